package stream

import (
	"testing"
	"time"
)

func TestStartupEndsWhenPacketsWaitForNoMoreRate(t *testing.T) {
	p := newCourse(t)
	p.fill(testRTT, 0)
	p.fill(testRTT, 0)
	p.fill(testRTT, 0)
	p.want("trebled thrice", 108*wire1)
	p.fill(3*testRTT, testRTT/2) // 36 packets a round trip, as in the last one
	p.wantStartup("no more is delivered, and packets wait, once", true)
	p.trip(108, 3*testRTT, testRTT/2, true)
	p.wantStartup("no more is delivered, and packets wait", false)
	p.want("what the path holds, and the burst of the last round trip", 36*wire1+min(108*wire1, p.c.holds(testRTT)))
}

// A round trip that brings a quarter more goes on, although packets wait.
func TestStartupGoesOnWhileTheRateRises(t *testing.T) {
	p := newCourse(t)
	p.fill(testRTT, 0)
	p.fill(testRTT, 0)
	p.fill(testRTT, 0)
	p.fill(2*testRTT, testRTT/2) // 54 packets a round trip
	p.wantStartup("half more is delivered", true)
}

func TestStartupEndsAfterRoundsWithoutGrowth(t *testing.T) {
	p := newCourse(t)
	p.grant = 12 * wire1
	p.fill(testRTT, 0)
	p.fill(testRTT, 0) // which sets the goal
	for range 2 * fullRounds {
		p.trip(12, testRTT, 0, false)
	}
	p.wantStartup("the application had no more", true)
	for range fullRounds - 1 {
		p.fill(testRTT, 0)
	}
	p.wantStartup("too few round trips", true)
	p.fill(testRTT, 0)
	p.wantStartup("no more in so many round trips", false)
	p.want("all that the path holds", 12*wire1)
}

// What comes late at once may have waited for a single packet; what does for half a round trip waits in a queue.
func TestStartupEndsWhenPacketsStayLate(t *testing.T) {
	c := newCongestion(wire1)
	now := time.Unix(1e9, 0)
	c.rate.update(now, 1e3, 0) // so slow that the path holds next to nothing
	c.onSample(now, testRTT, 0)
	late := testRTT/2 + 2*c.allowance() + 1
	for _, passed := range []time.Duration{0, 0, testRTT / 4, testRTT / 4} {
		now = now.Add(passed)
		c.onSample(now, testRTT+late, late)
	}
	now = now.Add(1)
	c.onSample(now, testRTT+late-1, late-1)
	for _, passed := range []time.Duration{0, testRTT / 4, testRTT / 4} {
		now = now.Add(passed)
		c.onSample(now, testRTT+late, late)
	}
	if !c.startup {
		t.Fatal("the start-up ended although packets did not stay late for half a round trip")
	}
	if c.onSample(now.Add(1), testRTT+late, late); c.startup || c.window != c.minimum() || c.phase != phaseDown {
		t.Errorf("start-up %v, window %d, after packets stayed late", c.startup, c.window)
	}
}

// While packets wait, the window stays as it is within a round trip.
func TestStartupWaits(t *testing.T) {
	for _, more := range []time.Duration{0, 1} {
		c := newCongestion(wire1)
		now := time.Unix(1e9, 0)
		c.onSample(now, testRTT, 0)
		c.onFull(9)
		c.onSample(now, testRTT, c.allowance()+more)
		c.onPacket(time.Time{}, 1, wire1, maxBuffer)
		if grown := c.window > initialMessages*wire1; grown != (more == 0) {
			t.Errorf("%v more than the allowance: window %d", more, c.window)
		}
	}
}

func TestWindowEndsAtTheGrant(t *testing.T) {
	p := settled(t, 100)
	p.grant = 103 * wire1
	for range 3 {
		p.fill(testRTT, 0)
	}
	p.want("no more than granted", 103*wire1)
	p.grant = 0
	p.fill(testRTT, 0)
	p.want("a stream never stands still", minWindowPackets*wire1)
}

// What the application did not send tells nothing about the path.
func TestApplicationLimitedRoundsChangeNothing(t *testing.T) {
	p := settled(t, 150)
	rate := p.c.rate.best()
	for range 20 {
		p.trip(50, testRTT, 0, false)
		p.want("the window was never used up", 150*wire1)
	}
	if p.c.rate.current == rate/2 {
		t.Error("half of the rate was taken for what the path delivers")
	}
	p.trip(110, testRTT, 0, false)
	if got := p.c.rate.best(); got != 110*wire1/testRTT.Seconds() {
		t.Errorf("the rate is %v although more was delivered than %v", got, rate)
	}
}

// A round trip of few packets is too short to measure a rate.
func TestRoundsHaveEnoughPackets(t *testing.T) {
	p := settled(t, 150)
	for n := 1; n < roundPackets; n++ {
		p.trip(1, testRTT, 0, true)
		p.wantCycle("too few packets", phaseCruise, 0)
	}
	p.trip(1, testRTT, 0, true)
	p.wantCycle("enough", phaseCruise, 1)
}

// What happened in a round trip in which the window shrank was judged already.
func TestRoundThatShrankTheWindowIsNotJudgedAgain(t *testing.T) {
	p := settled(t, 150)
	p.fill(testRTT, 0)
	p.c.window = 150 * wire1
	for n := p.next; n < p.next+burstLoss; n++ {
		p.c.onLoss(n, n+1, p.next+200)
	}
	p.want("a burst lost", 150*wire1*7/10)
	p.c.round.lost = 100
	p.trip(200, testRTT, 10*testRTT, true)
	p.want("sent before the window shrank", 150*wire1*7/10)
}

func TestResetForgetsThePath(t *testing.T) {
	p := settled(t, 150)
	p.fill(3*testRTT/2, testRTT)
	p.c.goal, p.c.late, p.c.full = 1, p.now, 1
	p.c.cycle = cycle{phaseDown, 1, true, true, true, 1, time.Second}
	window := p.c.window
	p.c.reset()
	if c := &p.c; c.waits() || c.goal != 0 || !c.late.IsZero() || c.full != 0 || c.cycle != (cycle{}) || !c.startup || c.window != window {
		t.Errorf("after a reset: %+v", c)
	}
	p.trip(100, time.Minute, 0, true) // of which an outage is a part
	if p.c.rate.best() != 0 || p.c.window < window {
		t.Errorf("the rate is %v after an outage, the window %d", p.c.rate.best(), p.c.window)
	}
	p.c.reset()
	if p.c.rate.best() != 0 || p.c.bursts != 0 || p.c.base.value() != 0 || p.c.waits() {
		t.Errorf("rate %v, burst %v, base %v", p.c.rate.best(), p.c.bursts, p.c.base.value())
	}
	p.fill(5*testRTT, 4*testRTT) // a longer path, on which nothing waits
	if p.c.window < window || p.c.waits() {
		t.Errorf("on the other path the window is %d, before %d", p.c.window, window)
	}
}

// Packets of a megabyte, at rates that a peer may make us believe, overflow 32
// bits when multiplied.
func TestLargeNumbers(t *testing.T) {
	for _, took := range []time.Duration{0, time.Microsecond, time.Hour} {
		for _, waited := range []time.Duration{0, maxRTT} {
			p := newCourse(t)
			p.c = newCongestion(1 << 20)
			for range 100 {
				p.fill(took, waited)
				if p.c.window < p.c.minimum() || p.c.window > maxBuffer {
					t.Fatalf("the window is %d with round trips of %v", p.c.window, took)
				}
			}
			if took == time.Hour {
				continue
			}
			if held := p.c.holds(maxRTT); held != maxBuffer || waited == 0 && p.c.window != maxBuffer {
				t.Errorf("the path holds %d, the window is %d, with round trips of %v", held, p.c.window, took)
			}
			if size := new(pathSize).wanted(p.c.rate.best(), 1); size < 1<<20 || size > maxBuffer {
				t.Errorf("a packet takes %d bytes", size)
			}
		}
	}
}

// A round trip's rate is not much above that at which its packets were sent.
func TestRateIsNotAboveThatOfSending(t *testing.T) {
	start := time.Unix(1e9, 0)
	for sent, want := range map[time.Duration]float64{50 * ms: 1000, 150 * ms: 1000, 300 * ms: 500} {
		r := round{start: start, since: start, sent: start.Add(sent), delivered: 100}
		if got := r.rate(100*ms, start.Add(time.Second)); got != want {
			t.Errorf("sent in %v, and arrived in 100 ms: a rate of %v, want %v", sent, got, want)
		}
	}
}
