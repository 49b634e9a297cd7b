package stream

import "time"

// A phase is what a stream does in a round trip after the start-up
// (draft-ietf-ccwg-bbr, ProbeBW).
type phase uint8

const (
	phaseCruise phase = iota // it sends at the rate at which the path delivers
	phaseUp                  // it sends a quarter more, to see whether more is delivered
	phaseDown                // it sends less until that has left the path, and sees what it brought
)

const (
	// cruiseRounds are from one try for more to the next, or cruiseTime if that is
	// less: on a far path, six round trips are long. Where the queue is somebody
	// else's, contestedRounds are: there is no delay to be had by waiting.
	cruiseRounds    = 6
	cruiseTime      = 1500 * time.Millisecond
	contestedRounds = 2
	// downRounds are the most that it may take until the path is empty.
	downRounds = 3

	// upGain and downGain times the rate are sent in these phases (BBR: 1.25, 0.75
	// to 0.9).
	upGain   = 1.25
	downGain = 0.75
	// moreRate times the rate before have to be delivered for another try at once.
	moreRate = 1.05
	// contestedShare times as long as packets wait for those of others, more is kept
	// in flight, to have a share of the path.
	contestedShare = 1.5
	// pacedRTT is the smallest round trip over which packets are paced: on a shorter
	// one they go as the window admits: it holds too few to tell their rate.
	pacedRTT = 10 * time.Millisecond
	// leastPaced packets go in the smallest round trip, however low the rate: one that
	// is low by mistake would not show that more is possible.
	leastPaced = 2
)

// A cycle tells which phase it is, and what the last one has shown.
type cycle struct {
	phase   phase
	rounds  int           // of it
	again   bool          // the end of phaseDown is followed by phaseUp, whatever it brought
	deep    bool          // phaseDown goes on until half of what the path holds is in flight, to see its round trip
	drained bool          // since the phase began, no more was in flight than that, or than the path holds
	share   float64       // the part of its best rate that it goes by, beside other streams to the same process; 0: all of it
	others  time.Duration // how long packets waited for somebody else's, when ours had left; 0: they did not
}

// turn goes on to the next phase, if it is time, after a round trip that had this
// rate, and whose fastest packet waited that long.
func (c *congestion) turn(now time.Time, rate float64, queue time.Duration) {
	if c.phase == phaseCruise && c.rounds == 0 {
		c.others = 0
		if queue > c.allowance() {
			c.others = queue
		}
	}
	c.rounds++
	switch c.phase {
	case phaseCruise:
		if c.rounds >= c.cruise() {
			c.probe()
		}
	case phaseUp:
		c.enter(phaseDown)
		c.deep = c.base.look(now)
	case phaseDown:
		c.judge(rate)
	}
}

// cruise is how many round trips it takes until the next try for more.
func (c *congestion) cruise() int {
	if c.others > 0 {
		return contestedRounds
	}
	return min(cruiseRounds, int(cruiseTime/max(c.base.value(), 1))+1)
}

// judge ends phaseDown.
func (c *congestion) judge(rate float64) {
	switch {
	case rate > moreRate*c.goal:
		c.enter(phaseUp)
		c.goal = rate
	case !c.drained && c.rounds < downRounds:
	case c.again:
		c.again = false
		c.probe()
	default:
		c.enter(phaseCruise)
	}
}

// probe begins a try for more.
func (c *congestion) probe() {
	c.enter(phaseUp)
	c.goal = c.rate.best()
}

func (c *congestion) enter(p phase) { c.phase, c.rounds, c.deep, c.drained = p, 0, false, false }

// emptied is how many bytes are in flight once phaseDown has let go what it should.
func (c *congestion) emptied() int {
	if c.deep {
		return c.half()
	}
	return int(c.shared(float64(c.holds(c.base.value()+c.others/2)))) + c.packet
}

// half is half of what the path holds, a packet at least.
func (c *congestion) half() int { return max(c.holds(c.base.value())/2, c.packet) }

// target is the window: what keeps the path busy, what may wait, and a share of what
// others let wait.
func (c *congestion) target() int {
	if c.deep {
		return c.half()
	}
	window := c.busy() + c.holds(c.allowance()) + int(contestedShare*float64(c.holds(c.others)))
	if c.phase == phaseUp {
		window += int((upGain - 1) * float64(c.holds(c.base.value()+c.others)))
	}
	return max(int(c.shared(float64(window))), c.minimum())
}

// shared is what it goes by of its best rate, or of what follows from that.
func (c *congestion) shared(own float64) float64 {
	if c.share > 0 {
		return c.share * own
	}
	return own
}

// interval is the time from a packet of so many bytes to the next; 0: they are not
// paced.
func (c *congestion) interval(bytes int) time.Duration {
	base := c.base.value()
	if c.startup || base < pacedRTT || c.rate.best() == 0 {
		return 0
	}
	least := leastPaced * float64(c.packet) / base.Seconds()
	return time.Duration(float64(bytes) / max(c.gain()*c.shared(c.rate.best()), least) * float64(time.Second))
}

// gain is the part of the best rate that is sent.
func (c *congestion) gain() float64 {
	switch {
	case c.phase == phaseUp:
		return upGain
	case c.phase == phaseDown && !c.drained:
		return downGain
	}
	return 1
}
