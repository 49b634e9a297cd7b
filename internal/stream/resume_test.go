package stream

import (
	"testing"
	"time"
)

func TestResumeReportsWhatArrived(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 10))
	p.drain()
	p.s.NoPath()
	p.pass(time.Second)
	p.s.PathUp(p.now, p.s.config.MaxPacket)
	p.s.Resume()
	n := p.want("after a reconnect", "RESUME 0-0")
	if !resuming(p.s) || p.last.Credit != baseBuffer+10-10 || p.last.GrantMessages != 128 {
		t.Errorf("the RESUME says %+v", p.last)
	}
	p.timer("unanswered", 325*ms)
	p.want("repeated", "RESUME 0-0, PING")
	p.deliver(p.ack(n))
	if resuming(p.s) {
		t.Error("the answer does not count")
	}
	p.wantIdle("answered")
}

// What the peer misses after its reconnect is lost at once if it is older than
// 9/8 of the round trip, and else as soon as it is. The window stays.
func TestPeerResumes(t *testing.T) {
	p := flight(t, 6)
	p.pass(113 * ms)
	p.write(994)
	p.want("young", "STREAM 5965+994")
	before := p.s.congestion.window
	timeout := p.s.Status().ProbeTimeout
	p.deliver(p.resume(0))
	p.want("old and missing", "ACK 0-1, STREAM 995+975")
	p.sends(5)
	p.wantIdle("the youngest may still arrive")
	p.timer("9/8 of the round trip after it was sent", 112500*time.Microsecond)
	p.want("lost", "STREAM 5965+994")
	p.wantIdle("everything was sent again")
	if p.s.congestion.window != before || p.s.Status().ProbeTimeout != timeout {
		t.Errorf("window %d, before %d, probe timeout %v, before %v", p.s.congestion.window, before, p.s.Status().ProbeTimeout, timeout)
	}
}

// A peer that has heard nothing since its RESUME repeats it. What was sent in
// between is not lost, however old: the path may have become slow.
func TestRepeatedResumeIsAnAck(t *testing.T) {
	p := flight(t, 2)
	p.pass(200 * ms)
	p.deliver(p.resume())
	p.want("lost", "ACK 0-1, STREAM 0+976")
	p.want("lost", "STREAM 976+994")
	p.want("lost", "STREAM 1970+19")
	p.wantIdle("everything was sent again")
	p.pass(200 * ms)
	p.deliver(p.resumeAgain(0, 1))
	p.want("the answer is repeated", "ACK 0-2")
	p.wantIdle("nothing is lost")
	p.timer("the timeout starts afresh", 325*ms)
	p.deliver(p.resume(0, 1, 2))
	p.sends(2)
	if p.s.stats.Retransmitted != 5 {
		t.Errorf("%d retransmissions: the peer was away again", p.s.stats.Retransmitted)
	}
}

func TestOvertakenResumeIsAnAck(t *testing.T) {
	p := flight(t, 2)
	p.pass(200 * ms)
	p.theirs = 9
	p.deliver(p.ack())
	p.theirs = 7
	p.deliver(p.resume())
	p.want("answered", "ACK 9-9,7-7,0-0")
	p.wantIdle("nothing is lost")
}

func TestPeerThatResumesResetsTheBackoff(t *testing.T) {
	p := flight(t, 1)
	for range 6 {
		p.pass(5 * time.Second)
		p.drain()
	}
	p.deliver(p.resume())
	p.want("lost", "ACK 0-1, STREAM 0+976")
	p.want("lost", "STREAM 976+19")
	p.timer("the last probe is young", 112500*time.Microsecond)
	p.drain()
	p.timer("the timeout starts afresh", 325*ms)
}

func TestTimersRestWhileTheLinkIsDown(t *testing.T) {
	p := flight(t, 5)
	p.deliver(p.ack(4))
	p.sends(2)
	p.pass(50 * ms)
	p.s.NoPath()
	p.wantNoTimer("the link is down")
	p.pass(time.Hour)
	p.wantIdle("the link is down")
	p.s.PathUp(p.now, p.s.config.MaxPacket)
	p.timer("overdue by the time threshold", p.s.rtt.lossDelay()-time.Hour-50*ms)
	p.want("lost", "STREAM 1989+994")
	p.want("lost", "STREAM 2983+994")
	p.wantIdle("the others are above the largest acknowledged")
}

func TestProbeTimeoutCountsFromTheReconnect(t *testing.T) {
	p := flight(t, 1)
	p.timer("probe", 325*ms)
	p.sends(2)
	p.pass(100 * ms)
	p.s.NoPath()
	p.pass(time.Minute)
	p.s.PathUp(p.now, p.s.config.MaxPacket)
	p.timer("not doubled any more", 325*ms)
	p.want("probe", "PING")
}

// What a reconnect of ours lost says nothing about the path, and nor do the
// round trips that it took part in.
func TestOurReconnectIsBlameless(t *testing.T) {
	p := flight(t, 30)
	before, timeout := p.s.congestion.window, p.s.Status().ProbeTimeout
	p.s.NoPath()
	p.pass(30 * time.Second)
	p.s.PathUp(p.now, p.s.config.MaxPacket)
	p.s.Resume()
	n := p.want("resume", "RESUME 0-0")
	p.wantIdle("all is in flight")
	p.delay = 30 * time.Second
	p.deliver(p.ack(0, 1, 29)) // had arrived before
	if p.s.Status().ProbeTimeout != timeout {
		t.Errorf("an outage made the probe timeout %v", p.s.Status().ProbeTimeout)
	}
	p.pass(testRTT)
	p.delay = 0
	p.deliver(p.ack(0, 1, 29, n))
	if p.s.congestion.window < before || p.s.congestion.run != 0 {
		t.Errorf("window %d, before %d", p.s.congestion.window, before)
	}
	if got := p.drain(); got != 27 {
		t.Errorf("%d packets were sent again, want 27", got)
	}
}

// A reconnect may lead over another path: what was measured of the last one is no
// measure, and until there is another one, delay is none either.
func TestReconnectForgetsThePath(t *testing.T) {
	for name, reconnect := range map[string]func(p *peer){
		"ours":       func(p *peer) { p.s.NoPath(); p.s.PathUp(p.now, p.s.config.MaxPacket) },
		"the peer's": func(p *peer) { p.deliver(p.resume()); p.drain() },
	} {
		p := steady(t)
		p.deliver(p.ack(all(4, 20)...)) // in the middle of a round trip
		p.unpaced()
		p.drain()
		if c := &p.s.congestion; c.base.value() != testRTT || c.rate.best() == 0 {
			t.Fatalf("the base is %v, the rate %v", c.base.value(), c.rate.best())
		}
		reconnect(p)
		before := p.s.congestion.window
		p.pass(testRTT)
		p.deliver(p.ack(all(4, p.number-1)...))
		if c := &p.s.congestion; c.base.value() != 0 || c.window < before {
			t.Errorf("%s: the base is %v, the window %d, before %d", name, c.base.value(), c.window, before)
		}
		p.write(8 * testPacket)
		first := p.number
		p.sends(8)
		p.pass(3 * testRTT)
		p.deliver(p.ack(all(first, p.number-1)...))
		if c := &p.s.congestion; c.base.value() != 3*testRTT || c.queue != 0 || c.window < before {
			t.Errorf("%s: the base is %v, a packet waited %v, the window is %d", name, c.base.value(), c.queue, c.window)
		}
	}
}

func TestPeersReconnectTakesNoSample(t *testing.T) {
	p := flight(t, 3)
	timeout := p.s.Status().ProbeTimeout
	p.pass(20 * time.Second)
	p.drain()
	p.deliver(p.resume(0, 1, 2))
	if p.s.Status().ProbeTimeout != timeout {
		t.Errorf("an outage made the probe timeout %v", p.s.Status().ProbeTimeout)
	}
}

// An ACK whose predecessor was lost tells a delay that is no part of the path.
func TestLateRepeatedAckTakesNoSample(t *testing.T) {
	p := flight(t, 1)
	p.pass(250 * ms)
	p.delay = 150 * ms
	p.deliver(p.ack(0))
	if p.s.rtt.smoothed != testRTT {
		t.Errorf("the round trip became %v", p.s.rtt.smoothed)
	}
}

func TestSeededAndMeasuredRoundTrip(t *testing.T) {
	p := flight(t, 2)
	p.pass(180 * ms)
	p.deliver(p.ack(0)) // RFC 9002, 5.3: 7/8 of 100 ms and 1/8 of 180 ms; 3/4 of 50 ms and 1/4 of 80 ms
	if r := p.s.rtt; r.smoothed != 110*ms || r.variance != 57500*time.Microsecond {
		t.Errorf("round trip %v, variance %v", r.smoothed, r.variance)
	}
	p.delay = 50 * ms
	p.deliver(p.ack(0, 1))
	if r := p.s.rtt; r.latest != 130*ms {
		t.Errorf("the last sample is %v, want 130 ms: 180 less the delay", r.latest)
	}
}
