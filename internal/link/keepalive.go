package link

import "time"

const (
	// keepAliveInterval is the keep-alive that CONNECT promises. Brokers hang up after 1.25 (NanoMQ) or 1.5 times as long
	// without a packet. 30 s keep the idle traffic of a device small and most address translations alive.
	keepAliveInterval = 30 * time.Second

	// leastInterval is the shortest interval that the link learns for address translations that forget sooner. Those of mobile
	// networks keep a TCP connection for longer, and more pings would keep a phone's radio awake.
	leastInterval = 10 * time.Second

	// answerTimeout is how long the broker may take to answer: CONNECT, SUBSCRIBE, or with any byte at all PINGREQ. The network
	// may take as long until it takes a byte.
	answerTimeout = 10 * time.Second

	// idleAfter is how long nothing passed in either direction when a connection counts as idle. What is still under way on a
	// busy one has passed by then, so a PINGREQ meets no queue and its answer may be expected soon. And while less time than
	// that has passed no address translation has forgotten the connection.
	idleAfter = 5 * time.Second

	// leastPatience is how long an idle connection that is written to may take to answer PINGREQ. TCP repeats it three times
	// meanwhile. Where the broker is far it may take patienceFactor round trips, of which TCP needs two to repeat it once.
	leastPatience  = 3 * time.Second
	patienceFactor = 3
)

// keepAlive decides when to ping the broker and when to give it up. The writer owns it.
type keepAlive struct {
	interval  time.Duration // from the last packet to a ping, at most keepAliveInterval
	lastRead  time.Time     // when a byte was read last
	lastWrite time.Time     // when the last write began
	roundTrip time.Duration // the longest of this connection: from CONNECT or PINGREQ to an answer
	pinged    time.Time     // when the write of the unanswered PINGREQ began; zero while none is unanswered
	idle      time.Duration // how long nothing had passed by then
	answerBy  time.Time     // when its answer is due
}

// update takes note of the last read and of the round trip of CONNECT, and returns when to call it again and what to do now. Any
// byte read since the write of the ping began answers it: behind a queue of data PINGRESP itself can be late on a healthy
// connection.
func (k *keepAlive) update(now, lastRead time.Time, connectTook time.Duration) (next time.Time, ping, dead bool) {
	k.lastRead, k.roundTrip = lastRead, max(k.roundTrip, connectTook)
	if !k.pinged.IsZero() && !lastRead.Before(k.pinged) {
		k.roundTrip = max(k.roundTrip, lastRead.Sub(k.pinged))
		k.pinged = time.Time{}
	}
	if !k.pinged.IsZero() {
		return k.answerBy, false, !now.Before(k.answerBy)
	}
	next = earliest(lastRead, k.lastWrite).Add(k.interval)
	if k.lastWrite.After(lastRead) {
		// Something was said and nothing heard since: find out sooner whether anybody listens.
		next = earliest(next, lastRead.Add(answerTimeout))
	}
	return next, !now.Before(next), false
}

// pingsWithData tells whether PINGREQ has to go with what is about to be written: an address translation on the way may have
// forgotten the idle connection, and whoever wrote is waiting.
func (k *keepAlive) pingsWithData(now time.Time) bool {
	return k.pinged.IsZero() && k.idleFor(now) >= idleAfter
}

// idleFor returns how long nothing has passed.
func (k *keepAlive) idleFor(now time.Time) time.Duration {
	return min(now.Sub(k.lastRead), now.Sub(k.lastWrite))
}

// wrote takes note of a write of a ping, of something else, or of both. What it says counts from when it began, since the
// answer may be read before it returns. The broker's time to answer counts from when it ended: while it waited for the network
// there was nothing to answer. It is shorter as soon as somebody waits for an idle connection.
func (k *keepAlive) wrote(began, ended time.Time, ping, data bool) {
	if ping {
		k.pinged, k.idle, k.answerBy = began, k.idleFor(began), ended.Add(answerTimeout)
	}
	if data && !k.pinged.IsZero() && k.idle >= idleAfter {
		k.answerBy = earliest(k.answerBy, ended.Add(max(leastPatience, patienceFactor*k.roundTrip)))
	}
	k.lastWrite = began
}

// learn returns the interval for the next connection after the broker has been silent after a ping: half, if this one was idle
// for so long that an address translation that remembers for longer than leastInterval may have forgotten it.
func (k *keepAlive) learn() time.Duration {
	if k.idle < leastInterval {
		return k.interval
	}
	return max(k.interval/2, leastInterval)
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
