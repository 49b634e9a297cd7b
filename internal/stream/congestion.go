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
	// minWindowPackets keeps a stream moving however bad the path.
	minWindowPackets = 2
	// delayGuard is the standing queue, as time above the smallest round
	// trip, that a stream allows itself to build in a broker.
	delayGuard = 5 * time.Millisecond
	// maxBurstTime bounds what is added to it for bursts.
	maxBurstTime = 4 * delayGuard
	// guardRounds is after how many rounds at the smallest window a delay
	// that stays is taken for the path's own.
	guardRounds = 8
	// burstLoss consecutive packets lost mean that a queue overflowed.
	burstLoss = 3
)

// congestion decides how many bytes may be in flight. Brokers do not lose
// packets at random: they drop bursts when a queue of theirs is full, or
// everything while somebody reconnects. So an isolated loss leaves the window
// alone; a burst, more than a tenth of a round trip's packets, or a round trip
// whose very fastest packet waited in a queue take it to 0.7, at most once a
// round trip. Bytes beyond the grant are refused elsewhere (Stream.room).
type congestion struct {
	window    int // bytes
	ceiling   int // window at which the last shrinking found the path full; 0: not found yet
	packet    int // bytes of a full packet
	slowStart bool

	recovery    uint64 // packets below this number were sent before the window last shrank
	roundEnd    uint64 // the round trip ends when a packet at or above this number is acknowledged
	roundStart  time.Time
	acked, lost int // packets of this round trip
	delivered   int // bytes acknowledged in this round trip
	burst       int // most bytes of them acknowledged at once
	fastest     time.Duration
	stuck       int // consecutive rounds of delay at the smallest window

	run     int    // consecutive numbers lost
	runNext uint64 // the number that would make the run longer
}

func newCongestion(packet int) congestion {
	return congestion{window: initialMessages * packet, packet: packet, slowStart: true}
}

// onPacket takes note of an acknowledged packet; limited tells that the window,
// and not a lack of data, bounded what was in flight. The window does not grow
// beyond the bytes granted.
func (c *congestion) onPacket(size, grant int, limited bool) {
	c.acked++
	if !limited {
		return
	}
	switch {
	case c.slowStart:
		c.window += size
	case c.window < c.ceiling*9/10:
		c.window += size / 8
	default:
		c.window += int(int64(c.packet) * int64(size) / int64(c.window))
	}
	c.window = min(c.window, max(grant, c.minimum()))
}

// onSample takes note of a round-trip time.
func (c *congestion) onSample(measured time.Duration) {
	if c.fastest == 0 || measured < c.fastest {
		c.fastest = measured
	}
}

// onLoss takes note of a lost packet. Numbers between two eliciting packets
// may belong to ACKs, so a run continues at following, the number of the packet
// that was sent after the one lost. next is the number that will be sent next.
func (c *congestion) onLoss(number, following, next uint64) {
	c.lost++
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

// onAck takes note of an ACK for so many bytes, below the number largest, and
// ends the round trip when that reaches its end. What happened in a round trip
// counts only if the window did not shrink while its packets were on their way.
func (c *congestion) onAck(now time.Time, bytes int, largest, next uint64, rtt *rtt) {
	c.delivered += bytes
	c.burst = max(c.burst, bytes)
	if largest <= c.roundEnd {
		return
	}
	if c.recovery < c.roundEnd {
		if c.lost > burstLoss && c.lost*10 > c.acked+c.lost {
			c.shrink(next)
		} else {
			c.guard(rtt, c.burstTime(now), next)
		}
	}
	c.roundEnd, c.roundStart = next, now
	c.acked, c.lost, c.delivered, c.burst, c.fastest = 0, 0, 0, 0, 0
}

// burstTime is how long the path took to deliver as many bytes as one ACK
// covers. An ACK for several packets measures the last of them, and lets as
// many go at once, so this much waiting is our own doing.
func (c *congestion) burstTime(now time.Time) time.Duration {
	if c.delivered == 0 || c.roundStart.IsZero() {
		return 0
	}
	round := now.Sub(c.roundStart)
	return min(time.Duration(float64(round)*float64(c.burst)/float64(c.delivered)), maxBurstTime)
}

// guard shrinks the window when even the fastest packet of a round waited.
func (c *congestion) guard(rtt *rtt, burst time.Duration, next uint64) {
	base := rtt.minimum()
	if c.fastest == 0 || base == 0 || c.fastest <= base+delayGuard+burst {
		c.stuck = 0
		return
	}
	if c.window > c.minimum() {
		c.shrink(next)
		return
	}
	if c.stuck++; c.stuck >= guardRounds {
		c.stuck = 0
		rtt.resetMinimum()
	}
}

// shrink takes the window back. Packets below next were sent with the larger
// one, and cause no further shrinking.
func (c *congestion) shrink(next uint64) {
	c.slowStart = false
	c.recovery = next
	c.ceiling = c.window
	c.window = max(c.window*7/10, c.minimum())
}

func (c *congestion) minimum() int { return minWindowPackets * c.packet }
