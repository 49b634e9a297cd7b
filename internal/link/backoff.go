package link

import "time"

const (
	// firstDelay is the pause before the first attempt to reconnect: a broker that restarts is back within a second, and one
	// that hung up on purpose is not hammered.
	firstDelay = 50 * time.Millisecond

	// earlyDelay bounds the pause in the first minute of an outage, lateDelay afterwards. Nobody watches a process on a
	// device, so it must come back soon after the broker does, whenever that is.
	earlyDelay  = time.Second
	lateDelay   = 5 * time.Second
	earlyPeriod = time.Minute

	// steadyAfter is how long a connection must last to count as the end of an outage. A broker that accepts and hangs up
	// again and again is met with growing pauses too.
	steadyAfter = 10 * time.Second
)

// backoff chooses the pauses between attempts to connect. The run loop owns it.
type backoff struct {
	jitter func() float64 // a random number in [0, 1)
	delay  time.Duration  // the next pause before jitter; 0 before the first
	began  time.Time      // the beginning of the outage
}

// next returns the pause before the next attempt. Up to half of it is taken off at random, so that the clients of a broker
// that restarts do not all come back at once.
func (b *backoff) next(now time.Time) time.Duration {
	if b.delay == 0 {
		b.delay, b.began = firstDelay, now
	}
	delay := b.delay
	limit := earlyDelay
	if now.Sub(b.began) >= earlyPeriod {
		limit = lateDelay
	}
	b.delay = min(2*b.delay, limit)
	return delay - time.Duration(b.jitter()*float64(delay/2))
}

// connectionEnded must be called after each connection that was up, with how long it was.
func (b *backoff) connectionEnded(lasted time.Duration) {
	if lasted >= steadyAfter {
		b.delay = 0
	}
}
