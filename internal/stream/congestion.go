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

	// minStanding and maxStanding bound the standing queue that a stream builds, as
	// time: a quarter of the smallest round trip, which leaves room for ACKs that
	// come in bursts. 5 ms are what a busy machine needs to keep its own loopback
	// busy, 25 ms are not felt in a keystroke.
	minStanding = 5 * time.Millisecond
	maxStanding = 10 * time.Millisecond
	// fullRounds without a quarter more delivered end it too: a path may
	// drop what it cannot carry instead of delaying it (BBR's full pipe).
	fullRounds = 3
	// drainRounds is how many rounds an emptied queue may take to show, and
	// stuckRounds after how many it is emptied again.
	drainRounds = 3
	stuckRounds = 24
	// mostBase times the smallest round trip is the most that is kept in flight
	// where the queue is somebody else's.
	mostBase = 6
	// roundPackets is the fewest packets by which a rate is measured.
	roundPackets = 10
	// burstTime is how close to each other ACKs come that waited for each other.
	burstTime = 2 * time.Millisecond
	// burstWeight is how many rounds make up what is smoothed of bursts.
	burstWeight = 4
	// burstMargin is how much more than that is kept in flight.
	burstMargin = 1.25
	// startupGrowth is by how much the window grows for each byte acknowledged in
	// the start-up: it trebles each round trip, as BBR's does.
	startupGrowth = 2
	// lateSamples in a row that waited too long end the start-up.
	lateSamples = 8
	// burstLoss consecutive packets lost mean that a queue overflowed.
	burstLoss = 3
)

// congestion decides how many bytes may be in flight: what the path holds,
// which is the rate at which it delivers times its smallest round trip, and a
// little more, so that it never runs dry. Below it is TCP, which paces and
// repeats by itself; so what tells that too much is in flight is the time that
// packets wait, on a link, in a broker or in our own socket, and hardly ever a
// loss. Once a round trip:
//
//   - A rate that fell below 0.9 of the best one means that the path needs more in
//     flight than its round trip tells: TCP below repeats what a link lost, or
//     others fill a queue. The window grows, up to twice what the path holds.
//   - Else, if even the fastest packet waited too long, the window becomes what
//     the path holds, which empties the queue and shows the round trip anew.
//   - Else, if there was next to no queue, the window grows, by larger steps
//     each round.
//
// Brokers drop bursts when a queue of theirs is full, or everything while
// somebody reconnects. So an isolated loss leaves the window alone; a burst, or
// more than a tenth of a round trip's packets, take it to 0.7. Bytes beyond the
// grant are refused elsewhere (Stream.room).
type congestion struct {
	window    int // bytes
	packet    int // bytes of a full packet
	startup   bool
	filled    uint64 // packets below this number were in flight when the window was used up
	round     round
	rate      peak          // bytes a second
	bursts    float64       // the most bytes that were acknowledged at once in a round, smoothed
	base      least         // round trip
	transit   least         // from our clock to the peer's: only differences mean something
	queue     time.Duration // how long the last packet waited
	stuck     int           // consecutive rounds in which packets waited although the window was what the path holds
	undrained int           // the window before a queue was emptied
	step      int           // bytes by which the window grew at the end of the last round; 0: it did not

	late int     // consecutive samples that waited more than twice as long as allowed
	full int     // consecutive rounds of the start-up that brought no more
	goal float64 // rate that the next round of the start-up has to exceed

	burst   int // bytes acknowledged within burstTime
	burstAt time.Time

	recovery uint64 // packets below this number were sent before the window last shrank
	run      int    // consecutive numbers lost
	runNext  uint64 // the number that would make the run longer
}

// A round is a round trip: it ends when a packet is acknowledged that was sent
// after its beginning.
type round struct {
	end         uint64 // the packet, at or above this number
	start       time.Time
	arrival     time.Duration // when, on the peer's clock, what began it arrived
	acked, lost int           // packets
	delivered   int           // bytes acknowledged
	limited     int           // bytes of these that were acknowledged while the window was in use
	sampled     bool
	rtt         time.Duration // the smallest
	transit     time.Duration // the smallest
	burst       int           // the most bytes acknowledged within burstTime
}

// full reports whether the sender kept the path busy, so that the round tells
// what the path can do, and not what the application did.
func (r *round) full() bool { return r.limited*4 >= r.delivered*3 && r.delivered > 0 }

// rate is how fast the path delivered, in bytes a second, given when the last
// of it arrived at the peer and here.
func (r *round) rate(arrival time.Duration, now time.Time) float64 {
	if r.start.IsZero() {
		return 0
	}
	took := arrival - r.arrival
	if took <= 0 {
		took = now.Sub(r.start)
	}
	return float64(r.delivered) / max(took, time.Microsecond).Seconds()
}

// report is what an ACK says, as the congestion control needs it.
type report struct {
	now     time.Time
	arrival time.Duration // of the packet with the largest number, on the peer's clock
	bytes   int           // that it takes out of flight
	largest uint64        // one above the largest number acknowledged
	next    uint64        // the number that will be sent next
	grant   int
}

func newCongestion(packet int) congestion {
	return congestion{window: initialMessages * packet, packet: packet, startup: true}
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
	c.base.sample(now, rtt)
	c.transit.sample(now, transit)
	c.queue = transit - c.transit.value()
	r := &c.round
	if !r.sampled {
		r.rtt, r.transit, r.sampled = rtt, transit, true
	}
	r.rtt, r.transit = min(r.rtt, rtt), min(r.transit, transit)
	if c.queue <= c.base.value()/2+2*c.allowance() {
		c.late = 0
	} else if c.late++; c.startup && c.late >= lateSamples {
		c.startup = false
		c.drain()
	}
}

// allowance is how long packets may wait: the standing queue, and the time that
// a packet takes on each of two links, being forwarded whole by a broker.
func (c *congestion) allowance() time.Duration {
	return min(max(c.base.value()/4, minStanding), maxStanding) + c.time(3*c.packet)
}

// waits reports whether the last packet waited longer than allowed.
func (c *congestion) waits() bool { return c.queue > c.allowance() }

// time is how long the path takes for so many bytes.
func (c *congestion) time(bytes int) time.Duration {
	if c.rate.best() == 0 {
		return 0
	}
	return time.Duration(float64(bytes) / c.rate.best() * float64(time.Second))
}

// holds is how many bytes the path delivers in d, maxBuffer at most: the peer's
// clock may tell any rate.
func (c *congestion) holds(d time.Duration) int {
	return int(min(c.rate.best()*d.Seconds(), maxBuffer))
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
	c.noteBurst(a)
	r := &c.round
	if a.largest <= r.end || r.acked < roundPackets && !c.startup {
		return 0, false
	}
	rate = r.rate(a.arrival, a.now)
	if r.full() || rate > c.rate.best() {
		c.rate.update(a.now, rate, c.base.value())
	}
	c.bursts += (float64(r.burst) - c.bursts) / burstWeight
	if c.recovery < r.end {
		if r.lost > burstLoss && r.lost*10 > r.acked+r.lost {
			c.shrink(a.next)
		} else {
			c.adjust(rate, a)
		}
	}
	ok = r.full() && !c.startup
	c.round = round{end: a.next, start: a.now, arrival: a.arrival}
	return rate, ok
}

// noteBurst finds out how many bytes come back at once: ACKs wait for each other
// on their way, and what they let go should be on its way already.
func (c *congestion) noteBurst(a report) {
	if a.now.Sub(c.burstAt) > burstTime {
		c.burst, c.burstAt = 0, a.now
	}
	c.burst += a.bytes
	c.round.burst = max(c.round.burst, c.burst)
}

// adjust sets the window after a round trip.
func (c *congestion) adjust(rate float64, a report) {
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
	c.window = min(c.window, max(a.grant, c.minimum()))
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
// twice as much each round, up to a quarter.
func (c *congestion) grow() {
	first := max(c.packet/2, int(math.Sqrt(float64(c.window)*1500))/3)
	c.step = min(max(2*c.step, first), c.window/2)
	c.window += c.step
}

// drain takes the window to what the path holds.
func (c *congestion) drain() {
	c.step = 0
	c.window = max(min(c.window, c.holds(c.base.value())+min(int(burstMargin*c.bursts), c.holds(max(c.base.value(), 2*pushPause)))), c.minimum())
}

// shrink takes the window back. Packets below next were sent with the larger
// one, and cause no further shrinking.
func (c *congestion) shrink(next uint64) {
	c.startup = false
	c.step = 0
	c.recovery = next
	c.window = max(c.window*7/10, c.minimum())
}

// reset forgets what is known of the path: it is another one.
func (c *congestion) reset() {
	c.rate, c.bursts, c.base, c.transit = peak{}, 0, least{}, least{}
	c.queue, c.round = 0, round{end: c.round.end}
	c.goal, c.late, c.full, c.step, c.stuck = 0, 0, 0, 0, 0
}

func (c *congestion) minimum() int { return minWindowPackets * c.packet }
