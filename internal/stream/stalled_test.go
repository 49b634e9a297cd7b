package stream

import (
	"testing"
	"time"
)

func (p *peer) wantStalled(what string, want time.Time) {
	p.Helper()
	if got := p.s.Status().Stalled; !got.Equal(want) {
		p.Errorf("%s: stalled since %v, want %v after the start", what, got.Sub(p.start), want.Sub(p.start))
	}
}

// TestStalledSince tells since when packets are in flight without one being acknowledged.
func TestStalledSince(t *testing.T) {
	p := newPeer(t)
	p.wantStalled("nothing was sent", time.Time{})
	p.pass(50 * ms)
	sent := p.now
	p.write(full(2))
	p.sends(2)
	p.pass(50 * ms)
	p.write(full(1))
	p.sends(1)
	p.wantStalled("sent", sent)
	p.deliver(p.ack(0))
	p.wantStalled("one of them is acknowledged", p.now)
	acked := p.now
	p.pass(10 * ms)
	p.deliver(p.ack(0))
	p.wantStalled("the same again", acked)
	p.deliver(p.ack(0, 1, 2))
	p.wantStalled("all are acknowledged", time.Time{})
}

// TestNothingInFlightIsNotStalled: what an acknowledgement shows to be lost waits for no other one.
func TestNothingInFlightIsNotStalled(t *testing.T) {
	p := flight(t, 10)
	p.pass(testRTT)
	p.s.out.abandon() // so that nothing is sent again
	p.deliver(p.ack(6, 7, 8, 9))
	if n := p.s.sent.count; n != 0 {
		t.Fatalf("the scene is not set: %d packets are in flight", n)
	}
	p.wantStalled("the others are lost", time.Time{})
}

// TestNothingInFlightStallsByNoTimeout: the data is dropped since the peer reads no more, and a timeout that was set for it passes.
func TestNothingInFlightStallsByNoTimeout(t *testing.T) {
	p := newPeer(t)
	p.write(100)
	p.want("data", "STREAM 0+100") // which is lost
	p.deliver(stop, data(0, 5))
	p.pass(20 * ms)
	p.want("due", "ACK 0-0")
	p.pass(20 * ms)
	p.deliver(p.ack(1))
	p.pass(2000 * ms)
	if p.s.sent.count != 0 {
		t.Fatalf("the scene is not set: %d packets are in flight", p.s.sent.count)
	}
	p.wantStalled("nothing is in flight", time.Time{})
}

// TestStallBeginsAnewWithWhatAResumeHasRepeated: the peer was away, and is not now.
func TestStallBeginsAnewWithWhatAResumeHasRepeated(t *testing.T) {
	p := newPeer(t)
	p.write(100)
	p.want("data", "STREAM 0+100")
	p.pass(200 * ms)
	p.deliver(p.resume())
	p.wantStalled("all is lost", time.Time{})
	p.pass(ms)
	p.sends(1)
	p.wantStalled("sent again", p.now)
}

// TestMoveBeginsAnew: what is in flight on another path says nothing about this one.
func TestMoveBeginsAnew(t *testing.T) {
	p := flight(t, 2)
	p.pass(200 * ms)
	p.s.Move(p.now, 9, p.s.config.MaxPacket, 0)
	p.wantStalled("moved", time.Time{})
	p.s.Resume()
	p.sends(1)
	p.wantStalled("the RESUME was sent", p.now)
}

// TestLateAcknowledgementSaysNothingAboutTheNewPath: what passed on another path may be too large for this one.
func TestLateAcknowledgementSaysNothingAboutTheNewPath(t *testing.T) {
	p := flight(t, 2)
	p.s.Move(p.now, 9, p.s.config.MaxPacket, 0)
	p.deliver(p.ack(0))
	if p.s.size.passed != 0 {
		t.Errorf("it is said that %d bytes passed", p.s.size.passed)
	}
	p.s.Resume()
	p.deliver(p.ack(p.want("the RESUME", "RESUME 0-1")))
	if p.s.size.passed == 0 {
		t.Error("nothing is said to have passed after a packet did")
	}
}
