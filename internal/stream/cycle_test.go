package stream

import (
	"testing"
	"time"
)

// steadyTrip is a round trip at the rate of settled, whose fastest packet waited.
func (p *course) steadyTrip(waited time.Duration) { p.trip(100, testRTT, waited, true) }

// cruised returns a course that has just begun to cruise, on a path that delivers 100 packets in testRTT.
func cruised(t *testing.T) *course {
	p := settled(t, 150)
	p.steadyTrip(0)
	p.wantCycle("the first round trip", phaseCruise, 1)
	return p
}

// tried returns a course that has just sent more for a round trip.
func tried(t *testing.T) *course {
	p := cruised(t)
	for p.c.phase == phaseCruise {
		p.steadyTrip(0)
	}
	p.wantCycle("cruised long enough", phaseUp, 0)
	p.flight = 125 * wire1
	p.steadyTrip(0)
	p.wantCycle("a round trip of more", phaseDown, 0)
	return p
}

func TestCruiseEndsWithATry(t *testing.T) {
	for base, want := range map[time.Duration]int{testRTT: cruiseRounds, cruiseTime / 2: 3, cruiseTime: 2, 2 * cruiseTime: 1} {
		c := newCongestion(wire1)
		c.base.sample(time.Unix(1e9, 0), base)
		if got := c.cruise(); got != want {
			t.Errorf("with a round trip of %v it takes %d, want %d", base, got, want)
		}
		c.others = 1
		if got := c.cruise(); got != contestedRounds {
			t.Errorf("beside others it takes %d round trips", got)
		}
	}
	p := cruised(t)
	for n := 2; n < cruiseRounds; n++ {
		p.steadyTrip(0)
		p.wantCycle("not yet", phaseCruise, n)
	}
	p.steadyTrip(0)
	p.wantCycle("now", phaseUp, 0)
}

func TestMoreThatIsDeliveredIsTriedAgain(t *testing.T) {
	for _, more := range []int{105, 106} {
		p := tried(t)
		p.trip(more, testRTT, 0, true)
		if more == 105 {
			p.wantCycle("hardly more", phaseDown, 1)
			continue
		}
		p.wantCycle("more", phaseUp, 0)
		p.steadyTrip(0)
		p.trip(more, testRTT, 0, true)
		p.wantCycle("no more than that", phaseDown, 1)
	}
}

// What was sent too much leaves the path before anything else is judged, unless it takes too long.
func TestDownUntilThePathIsEmpty(t *testing.T) {
	p := tried(t)
	p.flight = p.c.emptied() + 1
	for n := 1; n < downRounds; n++ {
		p.steadyTrip(0)
		p.wantCycle("more is in flight than the path holds", phaseDown, n)
	}
	p.steadyTrip(0)
	p.wantCycle("long enough", phaseCruise, 0)

	p = tried(t)
	p.flight = p.c.emptied()
	p.steadyTrip(0)
	p.wantCycle("as much as the path holds", phaseCruise, 0)
}

// The rate at the end of the start-up is often not yet what the path can do.
func TestTryAfterTheStartup(t *testing.T) {
	p := cruised(t)
	p.c.drain()
	p.wantCycle("the start-up is over", phaseDown, 0)
	p.steadyTrip(0)
	p.wantCycle("a try for more", phaseUp, 0)
	p.steadyTrip(0)
	p.steadyTrip(0)
	p.wantCycle("it brought nothing", phaseCruise, 0)
}

// Packets that wait although ours have left wait for somebody else's.
func TestQueueOfOthers(t *testing.T) {
	for _, waited := range []time.Duration{0, 1} {
		p := tried(t)
		p.flight = 0
		p.steadyTrip(0)
		p.wantCycle("ours have left", phaseCruise, 0)
		before := p.c.target()
		waited += p.c.allowance()
		p.steadyTrip(waited)
		more := p.c.target() - before
		switch {
		case waited == p.c.allowance() && (p.c.others != 0 || more != 0):
			t.Errorf("%v, no more than allowed, are taken for others' %v, which makes the window grow by %d", waited, p.c.others, more)
		case waited > p.c.allowance() && (p.c.others != waited || more < p.c.holds(waited)):
			t.Errorf("%v: others' are %v, the window grew by %d", waited, p.c.others, more)
		}
		p.steadyTrip(0)
		for p.c.phase != phaseCruise || p.c.rounds != 1 {
			p.steadyTrip(0)
		}
		if p.c.others != 0 {
			t.Error("nothing waits, and others still count")
		}
	}
}

func TestGainOfEachPhase(t *testing.T) {
	p := cruised(t)
	at := func(why string, want float64) {
		t.Helper()
		interval := p.c.interval(1000 * wire1)
		if got := float64(10*testRTT) / float64(interval); got < want*0.999 || got > want*1.001 {
			t.Errorf("%s: %v of the rate goes, want %v", why, got, want)
		}
	}
	at("cruise", 1)
	p.c.enter(phaseUp)
	at("up", upGain)
	p.c.enter(phaseDown)
	at("down", downGain)
	p.c.drained = true
	at("down, and empty", 1)
}

func TestPathsWithoutAPace(t *testing.T) {
	for name, change := range map[string]func(c *congestion){
		"the start-up":       func(c *congestion) { c.startup = true },
		"a short round trip": func(c *congestion) { c.base = least{current: pacedRTT - 1, has: true} },
		"no rate yet":        func(c *congestion) { c.rate = peak{} },
	} {
		p := cruised(t)
		if p.c.interval(wire1) == 0 {
			t.Fatal("a settled stream is not paced")
		}
		if change(&p.c); p.c.interval(wire1) != 0 {
			t.Errorf("%s: an interval of %v", name, p.c.interval(wire1))
		}
	}
}

// A rate that is far too low does not hold packets back: leastPaced go in a round trip.
func TestLowRateIsFoundOut(t *testing.T) {
	p := cruised(t)
	p.c.rate = peak{current: 1}
	if got := p.c.interval(wire1); got != testRTT/leastPaced {
		t.Errorf("the interval is %v", got)
	}
}

// The window is what the path holds, what comes back at once, and what may wait; a quarter of it more in a try.
func TestWindowOfEachPhase(t *testing.T) {
	p := cruised(t)
	p.c.bursts = 10 * wire1
	want := 100*wire1 + int(burstMargin*10*wire1) + p.c.holds(p.c.allowance())
	if got := p.c.target(); got != want {
		t.Errorf("the window is %d, want %d", got, want)
	}
	p.c.enter(phaseUp)
	if got := p.c.target(); got != want+25*wire1 {
		t.Errorf("in a try it is %d, want %d", got, want+25*wire1)
	}
	p.c.enter(phaseDown)
	p.c.others = testRTT
	if got := p.c.target(); got != want+150*wire1 {
		t.Errorf("beside others it is %d, want %d", got, want+150*wire1)
	}
}
