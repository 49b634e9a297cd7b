package stream

import (
	"testing"
	"time"
)

// toll plays a service to a pacer: it lets so many packets a second through.
type toll struct {
	*testing.T
	p       pacer
	now     time.Time
	allowed int
}

func newToll(t *testing.T, allowed int) *toll {
	return &toll{T: t, now: time.Unix(1e9, 0), allowed: allowed}
}

// period sends as many packets as the pace allows, or unpaced, and ends.
func (o *toll) period(unpaced int) {
	sent := unpaced
	if o.p.rate > 0 {
		sent = int(o.p.rate)
	}
	o.acknowledge(min(sent, o.allowed))
	for range sent - o.allowed {
		o.p.onLoss()
	}
	o.pass(pacePeriod)
}

func (o *toll) acknowledge(packets int) {
	for range packets {
		o.p.onPacket()
	}
}

func (o *toll) pass(d time.Duration) {
	o.now = o.now.Add(d)
	o.p.update(o.now, false)
}

func (o *toll) want(why string, rate float64) {
	o.Helper()
	if got := o.p.rate; got < rate*0.999 || got > rate*1.001 {
		o.Fatalf("%s: the pace is %v packets a second, want %v", why, got, rate)
	}
}

// limited returns a toll at which losses were too many once.
func limited(t *testing.T) *toll {
	o := newToll(t, 100)
	o.pass(0)
	o.period(300)
	o.want("nearly as much as arrives", paceShare*100)
	return o
}

func TestPaceIsWhatArrives(t *testing.T) {
	o := limited(t)
	o.allowed = 40
	o.period(0)
	o.want("nearly as much as arrives", paceShare*40)
}

func TestPaceNeedsManyLosses(t *testing.T) {
	for name, c := range map[string]struct {
		acked, lost int
		took        time.Duration
		queues      bool
		want        float64
	}{
		"more than a tenth":  {89, 11, pacePeriod, false, paceShare * 89},
		"a tenth":            {90, 10, pacePeriod, false, 0},
		"a few":              {pacePackets, paceLosses - 1, pacePeriod, false, 0},
		"too few packets":    {pacePackets - 1 - paceLosses, paceLosses, pacePeriod, false, 0},
		"too short a period": {89, 11, pacePeriod - 1, false, 0},
		"a longer one":       {89, 11, 2 * pacePeriod, false, paceShare * 44.5},
		"silence":            {89, 11, 2*pacePeriod + 1, false, 0},
		"a queue overflows":  {89, 11, pacePeriod, true, 0},
		"slower than slow":   {0, pacePackets, pacePeriod, false, leastPace},
	} {
		t.Run(name, func(t *testing.T) {
			o := newToll(t, 0)
			o.pass(0)
			o.acknowledge(c.acked)
			for range c.lost {
				o.p.onLoss()
			}
			o.now = o.now.Add(c.took)
			o.p.update(o.now, c.queues)
			o.want(name, c.want)
		})
	}
}

// The pace rises by more and more until losses are too many again.
func TestPaceProbes(t *testing.T) {
	o := limited(t)
	rate, part := paceShare*100.0, paceProbe
	for range 5 {
		o.allowed = 1000
		o.period(0)
		rate, part = rate*(1+part), min(2*part, paceLeap)
		o.want("a period without losses", rate)
	}
	o.allowed = 100
	o.period(0)
	o.want("beyond the limit", paceShare*100)
	o.period(0)
	o.want("gently again", paceShare*100*(1+paceProbe))
}

// A queue tells that losses have another reason, but not while a pace is kept.
func TestPaceStaysWithAQueue(t *testing.T) {
	o := limited(t)
	o.p.update(o.now, true)
	o.want("a queue", paceShare*100)
}

func TestPaceEnds(t *testing.T) {
	o := limited(t)
	o.allowed = 1 << 20
	for i := 0; o.p.rate > 0; i++ {
		if i > 30 {
			t.Fatalf("the pace is still kept, at %v", o.p.rate)
		}
		if o.p.rate > (1+paceLeap)*paceEnd*100 {
			t.Fatalf("the pace rose to %v", o.p.rate)
		}
		o.period(0)
	}
	if o.p.interval() != 0 {
		t.Error("a packet waits although no pace is kept")
	}
}

// Losses by chance do not become fewer by sending less.
func TestPaceThatDoesNotHelpEnds(t *testing.T) {
	o := newToll(t, 0)
	o.pass(0)
	for i := range 2 * paceAgain {
		o.acknowledge(80)
		for range 20 {
			o.p.onLoss()
		}
		if o.pass(pacePeriod); o.p.rate > 0 != (i%paceAgain < paceVain) || !o.p.lossy() {
			t.Fatalf("after %d periods the pace is %v", i+1, o.p.rate)
		}
	}
	for o.p.vain <= paceVain {
		o.period(300)
	}
	o.acknowledge(100)
	if o.pass(pacePeriod); o.p.lossy() {
		t.Error("a period without losses does not count")
	}
	o.allowed = 100
	o.period(300)
	o.want("nearly as much as arrives", paceShare*100)
}

// Under a pace that is kept, a few losses tell that the limit is here, and the pace falls below it at once.
func TestPaceGoesBackAfterFewLosses(t *testing.T) {
	for _, c := range []struct {
		acked, lost int
		less        bool
	}{{98, 2, false}, {97, 3, true}, {paceMany - 2, 2, true}, {paceMany - 3, 2, false}} {
		o := limited(t)
		o.acknowledge(c.acked)
		for range c.lost {
			o.p.onLoss()
		}
		o.pass(pacePeriod)
		if !c.less {
			o.want("the limit is not reached", paceShare*100*(1+paceProbe))
			continue
		}
		o.want("the limit is reached", paceShare*float64(c.acked))
		o.period(0)
		o.want("a try for more", paceShare*float64(c.acked)*(1+paceProbe))
	}
}

// paced returns a peer of a stream that keeps a pace of ten packets a second, of
// which the first has just gone.
func paced(t *testing.T) *peer {
	p := newPeer(t)
	p.deliver(p.ack())
	p.s.congestion.window = 100 * wire1
	p.s.pace.rate, p.s.pace.cause = 10, 10
	p.write(full(3))
	p.want("the first", "STREAM 0+995")
	return p
}

func TestPacedStream(t *testing.T) {
	p := paced(t)
	p.wantIdle("a packet waits for its time")
	p.timer("an interval after the first, less the burst", 100*ms-gateBurst)
	p.want("the second", "STREAM 995+994")
	p.deliver(ping)
	p.want("an ACK does not wait", "ACK 0-1")
	p.timer("an interval after the second", 100*ms)
	p.want("the third", "STREAM 1989+994")
	p.wantIdle("that was all")
	if at := p.s.gate.deadline(); !at.IsZero() {
		t.Errorf("a deadline in %v although nothing waits", at.Sub(p.now))
	}
}

// A pace is no reason to miss a packet.
func TestProbeTimeoutStretchesWithThePace(t *testing.T) {
	p := paced(t)
	p.s.pace.rate = 1
	if got := p.s.Status().ProbeTimeout; got != probeIntervals*time.Second {
		t.Errorf("the probe timeout is %v", got)
	}
	p.s.pace.rate = 100
	if got := p.s.Status().ProbeTimeout; got != 325*ms {
		t.Errorf("the probe timeout is %v", got)
	}
}

// Where packets are counted, a probe is one of them and not two.
func TestProbeAtAPace(t *testing.T) {
	p := paced(t)
	for range 2 {
		p.pass(100 * ms)
		p.sends(1)
	}
	p.timer("probe", 325*ms)
	p.want("the oldest data at once", "STREAM 0+995")
	p.wantIdle("the probe is over")
}

func TestProbeAtAPaceWithoutData(t *testing.T) {
	p := newPeer(t)
	p.s.pace.rate = 10
	p.s.Ping()
	p.want("asked for", "PING")
	p.timer("probe", 325*ms)
	p.want("there is no data to send", "PING")
	p.wantIdle("the probe is over")
}

func TestZeroCreditIsProbedAtAPace(t *testing.T) {
	p := newPeer(t)
	p.credit = baseBuffer
	p.write(baseBuffer)
	for p.s.Status().Waiting {
		p.drain()
		p.deliver(p.ack(all(0, p.number-1)...))
	}
	p.write(100)
	p.s.rtt = rtt{smoothed: testRTT, variance: testRTT / 2}
	p.s.pace.rate = 10
	for _, d := range []time.Duration{325 * ms, 650 * ms} {
		p.s.rtt = rtt{smoothed: testRTT, variance: testRTT / 2}
		p.timer("persist", d)
		n := p.want("probe of a closed window", "PING")
		p.deliver(p.ack(n))
		p.wantIdle("no credit")
	}
}

// What is larger than all that passed may be lost for its size.
func TestLossOfLargerPacketsIsNoPace(t *testing.T) {
	for _, passed := range []int{wire1 / 2, wire1} {
		p := flight(t, 20)
		p.s.size.passed = passed
		p.pass(testRTT)
		p.s.pace.lost = 0
		p.s.sent.largest = 20
		p.s.detectLoss(p.now)
		if counted := p.s.pace.lost; counted != 0 != (passed == wire1) {
			t.Errorf("%d losses count although packets of %d bytes passed", counted, passed)
		}
	}
}
