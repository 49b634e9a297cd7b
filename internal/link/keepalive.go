package link

import "time"

const (
	// keepAliveInterval is the keep-alive that CONNECT promises. Brokers hang up after 1.25 (NanoMQ) or 1.5 times as long
	// without a packet. 30 s keep the idle traffic of a device small and most address translations alive.
	keepAliveInterval = 30 * time.Second

	// answerTimeout is how long the broker may take to answer: CONNECT, SUBSCRIBE, or with any byte at all PINGREQ. The network
	// may take as long until it takes a byte.
	answerTimeout = 10 * time.Second
)

// keepAlive decides when to ping the broker and when to give it up. The writer owns it.
type keepAlive struct {
	lastWrite time.Time // when the last write began
	pinged    time.Time // when the write of the unanswered PINGREQ began; zero while none is unanswered
	answerBy  time.Time // when its answer is due
}

// update takes note of the last read, and returns when to call it again and what to do now. Any byte read since the write of
// the ping began answers it: behind a queue of data PINGRESP itself can be late on a healthy connection.
func (k *keepAlive) update(now, lastRead time.Time) (next time.Time, ping, dead bool) {
	if !lastRead.Before(k.pinged) {
		k.pinged = time.Time{}
	}
	if !k.pinged.IsZero() {
		return k.answerBy, false, !now.Before(k.answerBy)
	}
	next = earliest(lastRead, k.lastWrite).Add(keepAliveInterval)
	if k.lastWrite.After(lastRead) {
		// Something was said and nothing heard since: find out sooner whether anybody listens.
		next = earliest(next, lastRead.Add(answerTimeout))
	}
	return next, !now.Before(next), false
}

// wrote takes note of a write. What it says counts from when it began, since the answer may be read before it returns. The
// broker's time to answer counts from when it ended: while it waited for the network there was nothing to answer.
func (k *keepAlive) wrote(began, ended time.Time, ping bool) {
	k.lastWrite = began
	if ping {
		k.pinged, k.answerBy = began, ended.Add(answerTimeout)
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
