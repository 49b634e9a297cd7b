package link

import "time"

const (
	// keepAliveInterval is the keep-alive that CONNECT promises. Brokers hang up after 1.25 (NanoMQ) or 1.5 times as long
	// without a packet. 30 s keep the idle traffic of a device small and most address translations alive.
	keepAliveInterval = 30 * time.Second

	// answerTimeout is how long the broker may take to answer: CONNECT, SUBSCRIBE, or with any byte at all PINGREQ.
	answerTimeout = 10 * time.Second
)

// keepAlive decides when to ping the broker and when to give it up. The writer owns it.
type keepAlive struct {
	lastWrite time.Time
	pinged    time.Time // when PINGREQ was written; zero while none is unanswered
}

// update takes note of the last read, and returns when to call it again and what to do now. Any byte read after the ping
// answers it: behind a queue of data PINGRESP itself can be late on a healthy connection.
func (k *keepAlive) update(now, lastRead time.Time) (next time.Time, ping, dead bool) {
	if !lastRead.Before(k.pinged) {
		k.pinged = time.Time{}
	}
	if !k.pinged.IsZero() {
		next = k.pinged.Add(answerTimeout)
		return next, false, !now.Before(next)
	}
	next = earliest(lastRead, k.lastWrite).Add(keepAliveInterval)
	if k.lastWrite.After(lastRead) {
		// Something was said and nothing heard since: find out sooner whether anybody listens.
		next = earliest(next, lastRead.Add(answerTimeout))
	}
	return next, !now.Before(next), false
}

// wrote takes note of a write.
func (k *keepAlive) wrote(now time.Time, ping bool) {
	k.lastWrite = now
	if ping {
		k.pinged = now
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
