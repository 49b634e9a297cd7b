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
