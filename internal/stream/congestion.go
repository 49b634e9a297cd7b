package stream

import (
	"math"
	"time"
)

const (
	// initialMessages and initialGrantBytes are in flight at most before the
	// peer's first ACK says otherwise (SPEC.md, "Grant").
	initialMessages   = 4
	initialGrantBytes = 4 << 20
	// maxGrantMessages is the most that is made of a grant, more than any
	// broker queues by default. Of bytes it is maxBuffer, which bounds what can
	// be in flight anyway.
	maxGrantMessages = 4096
	// minWindowPackets keeps a stream moving however bad the path.
	minWindowPackets = 2

	// startupGrowth is by how much the window grows for each byte acknowledged in
	// the start-up: it trebles each round trip, as BBR's does.
	startupGrowth = 2
	// fullRounds without a quarter more delivered end the start-up: a path may
	// drop what it cannot carry instead of delaying it (BBR's full pipe).
	fullRounds = 3
	// lateSamples in a row that waited too long end it at once, and not only
	// with the round.
	lateSamples = 8
	// drainRounds is how many rounds an emptied queue may take to show, and
	// stuckRounds after how many it is emptied again: rarely, since both cost.
	drainRounds = 3
	stuckRounds = 24
	// mostBase times the smallest round trip is the most that is kept in flight
	// where the queue is somebody else's: a drop-tail queue of some 300 ms.
	mostBase = 6
	// burstLoss consecutive packets lost mean that a queue overflowed.
	burstLoss = 3
)

// congestion decides how many bytes may be in flight: what the path holds,
// which is the rate at which it delivers times its smallest round trip, and a
// little more, so that it never runs dry. Below it is TCP, which paces and
// repeats by itself; so what tells that too much is in flight is the time that
// packets wait, on a link, in a broker or in our own socket, and hardly ever a
// loss. After the start-up, once a round trip:
//
//   - If even the fastest packet waited too long, the window becomes what keeps
//     the path busy, which empties the queue and shows the round trip anew. A
//     queue that stays is somebody else's, and is outlasted.
//   - Else, if there was next to no queue, the window grows, by larger steps
//     each round.
//
// Brokers drop bursts when a queue of theirs is full, or everything while
// somebody reconnects. So an isolated loss leaves the window alone; a burst, or
// more than a tenth of a round trip's packets, take it to 0.7. Bytes beyond the
// grant are refused elsewhere (Stream.room).
type congestion struct {
	model
	window  int    // bytes
	filled  uint64 // packets below this number were in flight when the window was used up
	round   round
	step    int // bytes by which the window grew at the end of the last round; 0: it did not
	startup bool
	late    int     // consecutive samples of it that waited far too long
	full    int     // consecutive rounds of it that brought no more
	goal    float64 // rate that the next round of it has to exceed

	stuck     int // consecutive rounds in which packets waited too long
	undrained int // the window before the first of them

	recovery uint64 // packets below this number were sent before the window last shrank
	run      int    // consecutive numbers lost
	runNext  uint64 // the number that would make the run longer
}

func newCongestion(packet int) congestion {
	return congestion{model: model{packet: packet}, window: initialMessages * packet, startup: true}
}

// onFull takes note that the window is used up, and more is to be sent. next is
// the number that will be sent next.
func (c *congestion) onFull(next uint64) { c.filled = next }

// onPacket takes note of an acknowledged packet. One that was in flight when the
// window was used up makes it grow in the start-up.
func (c *congestion) onPacket(number uint64, size, grant int) {
	c.round.acked++
	c.round.delivered += size
	if number >= c.filled {
		return
	}
	c.round.limited += size
	if c.startup && !c.waits() {
		c.window += startupGrowth * size
	}
	c.window = min(c.window, max(grant, c.minimum()))
}

// onSample takes note of a packet's round trip and transit.
func (c *congestion) onSample(now time.Time, rtt, transit time.Duration) {
	c.sample(now, rtt, transit)
	if r := &c.round; !r.sampled || transit < r.transit {
		r.transit, r.sampled = transit, true
	}
	if c.queue <= c.base.value()/2+2*c.allowance() {
		c.late = 0
	} else if c.late++; c.startup && c.late >= lateSamples && c.rate.best() > 0 {
		c.startup = false
		c.drain()
	}
}

// reach is how many bytes may soon be in flight.
func (c *congestion) reach() int {
	if c.startup {
		return (1 + startupGrowth) * c.holds(c.base.value())
	}
	return 2 * c.holds(c.base.value())
}

// onLoss takes note of a lost packet. Numbers between two eliciting packets
// may belong to ACKs, so a run continues at following, the number of the packet
// that was sent after the one lost. next is the number that will be sent next.
func (c *congestion) onLoss(number, following, next uint64) {
	c.round.lost++
	if number == c.runNext {
		c.run++
	} else {
		c.run = 1
	}
	c.runNext = following
	if c.run >= burstLoss && number >= c.recovery {
		c.shrink(next)
	}
}

// onAck takes note of an ACK and ends the round trip if it does. What
// happened in a round trip counts only if the window did not shrink while its
// packets were on their way. It returns the rate of a round trip that tells what
// the path can do.
func (c *congestion) onAck(a report) (rate float64, ok bool) {
	r := &c.round
	r.burst = max(r.burst, c.noteBurst(a.now, a.bytes))
	if a.largest <= r.end || r.acked < roundPackets && !c.startup {
		return 0, false
	}
	rate = r.rate(a.arrival, a.now)
	if r.full() || rate > c.rate.best() {
		c.rate.update(a.now, rate, c.base.value())
	}
	c.bursts += (float64(r.burst) - c.bursts) / burstWeight
	switch {
	case c.recovery >= r.end:
	case r.lossy():
		c.shrink(a.next)
	default:
		c.adjust(rate, a.grant)
	}
	ok = r.full() && !c.startup
	c.round = round{end: a.next, start: a.now, arrival: a.arrival}
	return rate, ok
}

// adjust sets the window after a round trip.
func (c *congestion) adjust(rate float64, grant int) {
	r := &c.round
	if !r.sampled || r.start.IsZero() {
		return
	}
	queue, allowed := r.transit-c.transit.value(), c.allowance()
	switch {
	case c.startup:
		c.checkFull(rate, queue > allowed)
	case queue > allowed:
		c.relieve(queue)
	case r.full() && queue <= allowed/2:
		c.grow()
		c.stuck = 0
	default:
		c.step, c.stuck = 0, 0
	}
	c.window = min(c.window, max(grant, c.minimum()))
}

// checkFull ends the start-up when a round brought no more than those before
// and packets wait, or when that happened thrice although none does.
func (c *congestion) checkFull(rate float64, waits bool) {
	if rate > c.goal {
		c.goal, c.full = rate*5/4, 0
		return
	}
	if c.round.full() {
		c.full++
	}
	if waits || c.full >= fullRounds {
		c.startup = false
		c.drain()
	}
}

// relieve empties a queue. If that does not help, the queue is not this stream's:
// others fill it, or TCP below waits for what a link lost. Then more in flight is
// what keeps the path busy, for some rounds.
func (c *congestion) relieve(queue time.Duration) {
	if c.stuck++; c.stuck > stuckRounds {
		c.stuck = 1
	}
	if c.stuck == 1 {
		c.undrained = c.window
	}
	if c.stuck <= drainRounds {
		c.drain()
		return
	}
	c.window = max(c.window, c.undrained)
	before, base := c.window, c.base.value()
	c.grow()
	c.window = max(before, min(c.window, c.holds(min((base+queue)*3/2, mostBase*base))))
}

// grow makes the window larger: at first by a step that grows with its square
// root, so that of several streams on one path the small ones catch up, then by
// twice as much each round, up to half of it.
func (c *congestion) grow() {
	first := max(c.packet/2, int(math.Sqrt(float64(c.window)*1500))/3)
	c.step = min(max(2*c.step, first), c.window/2)
	c.window += c.step
}

// drain takes the window to what keeps the path busy.
func (c *congestion) drain() {
	c.step = 0
	c.window = max(min(c.window, c.busy()), c.minimum())
}

// shrink takes the window back. Packets below next were sent with the larger
// one, and cause no further shrinking.
func (c *congestion) shrink(next uint64) {
	c.startup = false
	c.step = 0
	c.recovery = next
	c.window = max(c.window*7/10, c.minimum())
	c.undrained = min(c.undrained, c.window)
}

// reset forgets what is known of the path: it is another one.
func (c *congestion) reset() {
	c.forget()
	c.round = round{end: c.round.end}
	c.goal, c.late, c.full, c.step, c.stuck = 0, 0, 0, 0, 0
}

func (c *congestion) minimum() int { return minWindowPackets * c.packet }
