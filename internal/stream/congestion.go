package stream

import "time"

const (
	// initialMessages and initialGrantBytes are in flight at most before the
	// peer's first ACK says otherwise (SPEC.md, "Grant").
	initialMessages   = 4
	initialGrantBytes = 4 << 20
	// maxGrantMessages is the most that is made of a grant, more than any
	// broker queues by default. Of bytes it is maxBuffer, which bounds what can
	// be in flight anyway.
	maxGrantMessages = 4096
	// minWindowPackets keeps a stream moving however bad the path (BBR: four).
	minWindowPackets = 4

	// startupGrowth is by how much the window grows for each byte acknowledged in
	// the start-up: it trebles each round trip, as BBR's does.
	startupGrowth = 2
	// fullRounds without a quarter more delivered end the start-up: a path may
	// drop what it cannot carry instead of delaying it (BBR's full pipe).
	fullRounds = 3
	// waitingRounds do while packets wait.
	waitingRounds = 2
	// burstLoss consecutive packets lost mean that a queue overflowed.
	burstLoss = 3
)

// congestion decides how many bytes may be in flight, and how fast they go. Below it
// is TCP, which paces and repeats by itself; so what tells what the path can do is
// the rate at which it delivers, and what tells that too much is in flight is the
// time that packets wait, on a link, in a broker or in our own socket, and hardly
// ever a loss. In the start-up the window trebles each round trip until it brings
// no more; afterwards it is what the path holds, and packets go at the rate at which
// it delivers, as in BBR (cycle.go).
//
// Brokers drop bursts when a queue of theirs is full, or everything while
// somebody reconnects. So an isolated loss leaves the window alone; a burst, or
// more than a tenth of a round trip's packets, take it to 0.7 for a round trip. Bytes
// beyond the grant are refused elsewhere (Stream.room).
type congestion struct {
	model
	cycle
	window  int    // bytes
	filled  uint64 // packets below this number were in flight when more was to be sent than the window or the pace admitted
	used    uint64 // those below this one when the window did not admit it
	round   round
	startup bool
	late    time.Time // since when all samples waited far too long
	full    int       // consecutive rounds of it that brought no more
	goal    float64   // the rate that the start-up, or a try for more, has to exceed to go on

	recovery uint64 // packets below this number were sent before the window last shrank
	run      int    // consecutive numbers lost
	runNext  uint64 // the number that would make the run longer
}

func newCongestion(packet int) congestion {
	return congestion{model: model{packet: packet}, window: initialMessages * packet, startup: true}
}

// onFull and onHeld take note that more is to be sent than the window, or the pace, admits.
// next is the number that will be sent next.
func (c *congestion) onFull(next uint64) { c.filled, c.used = next, next }
func (c *congestion) onHeld(next uint64) { c.filled = next }

// onDry takes note that there is nothing more to be sent: what waited for the pace alone
// says nothing about the path.
func (c *congestion) onDry() { c.filled = c.used }

// onPacket takes note of an acknowledged packet that was sent at a time. One that was in flight
// when more was to be sent makes the window grow in the start-up.
func (c *congestion) onPacket(sent time.Time, number uint64, size, grant int) {
	if sent.After(c.round.sent) {
		c.round.sent = sent
	}
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
		c.late = time.Time{}
	} else if c.late.IsZero() {
		c.late = now
	} else if c.startup && now.Sub(c.late) > c.base.value()/2 && c.rate.best() > 0 {
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
	c.drained = c.drained || a.flight <= c.emptied()
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
		c.adjust(a.now, rate, a.grant)
	}
	ok = r.full() && !c.startup && rate > 0
	c.round = round{end: a.next, start: a.now, arrival: a.arrival, since: c.round.sent, sent: c.round.sent}
	return rate, ok
}

// adjust sets the window after a round trip.
func (c *congestion) adjust(now time.Time, rate float64, grant int) {
	r := &c.round
	if !r.sampled || r.start.IsZero() {
		return
	}
	queue := r.transit - c.transit.value()
	switch {
	case c.startup:
		c.checkFull(rate, queue > c.allowance())
	case r.full():
		c.turn(now, rate, queue)
		c.window = c.target()
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
	if waits && c.full >= waitingRounds || c.full >= fullRounds {
		c.drain()
	}
}

// drain ends the start-up, and lets what waits go. The rate was perhaps still growing.
func (c *congestion) drain() {
	c.startup = false
	c.window = max(min(c.window, c.busy()), c.minimum())
	c.goal = c.rate.best()
	c.cycle = cycle{phase: phaseDown, again: true}
}

// shrink takes the window back. Packets below next were sent with the larger
// one, and cause no further shrinking.
func (c *congestion) shrink(next uint64) {
	c.startup = false
	c.recovery = next
	c.window = max(c.window*7/10, c.minimum())
}

// reset forgets what is known of the path: it is another one. The start-up begins
// again, with the window that there is.
func (c *congestion) reset() {
	c.forget()
	c.cycle = cycle{}
	c.round = round{end: c.round.end}
	c.startup = true
	c.goal, c.late, c.full = 0, time.Time{}, 0
}

func (c *congestion) minimum() int {
	if c.deep {
		return c.packet
	}
	return minWindowPackets * c.packet
}
