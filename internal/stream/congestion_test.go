package stream

import (
	"testing"
	"time"
)

const wire1 = testPacket + testOverhead

// steady returns a peer of a stream in congestion avoidance whose window of 40
// packets, numbers 4 to 43, is all in flight at the end of a round trip.
func steady(t *testing.T) *peer {
	p := newPeer(t)
	p.write(full(4))
	p.sends(4)
	p.pass(testRTT)
	p.deliver(p.ack(all(0, 3)...))
	p.s.congestion.window, p.s.congestion.slowStart, p.s.congestion.ceiling = 40*wire1, false, 40*wire1
	p.write(50 * testPacket)
	p.sends(40)
	p.wantIdle("the window is used up")
	p.pass(testRTT)
	return p
}

func TestIsolatedLossLeavesTheWindow(t *testing.T) {
	p := steady(t)
	before := p.s.congestion.window
	var arrived []uint64
	for _, n := range all(4, 43) {
		if n != 10 && n != 20 && n != 30 {
			arrived = append(arrived, n)
		}
	}
	p.deliver(p.ack(arrived...))
	p.sends(3)
	if p.s.stats.Retransmitted != 3 || p.s.congestion.window < before {
		t.Errorf("%d isolated losses took the window from %d to %d", p.s.stats.Retransmitted, before, p.s.congestion.window)
	}
}

func TestBurstLossShrinksTheWindowOnceARoundTrip(t *testing.T) {
	p := steady(t)
	grown := p.s.congestion.window
	for range 5 { // acknowledged before the loss is noticed
		grown += wire1 * wire1 / grown
	}
	p.deliver(p.ack(append(all(4, 5), all(9, 11)...)...))
	p.wantWindow("6, 7 and 8 lost", grown*7/10)
	p.deliver(p.ack(append(all(9, 12), append(all(17, 20), all(26, 43)...)...)...))
	if p.s.congestion.window < grown*7/10 {
		t.Error("losing packets that were sent before the window shrank made it shrink again")
	}
	first := p.number
	p.drain()
	p.pass(testRTT)
	before := p.s.congestion.window
	p.deliver(p.ack(first, p.number-1))
	if p.number-first < 10 || p.s.congestion.window > before*8/10 {
		t.Errorf("a burst of %d lost in the next round trip took the window from %d to %d", p.number-first-2, before, p.s.congestion.window)
	}
}

func TestTenPercentLossShrinksTheWindow(t *testing.T) {
	for _, every := range []uint64{7, 12} {
		p := steady(t)
		before := p.s.congestion.window
		for n := range uint64(40) { // all arrive but for one of every 7 or 12
			if n%every != every-1 {
				p.deliver(p.ack(4 + n))
			}
		}
		p.sends(1)
		p.pass(testRTT)
		p.deliver(p.ack(44))
		if shrunk := p.s.congestion.window < before; shrunk != (every == 7) {
			t.Errorf("one of %d lost: window %d, before %d", every, p.s.congestion.window, before)
		}
	}
}

func TestRisingDelayShrinksTheWindow(t *testing.T) {
	// 20 ms of waiting are put down to the burst that one ACK for the whole
	// window causes.
	for extra, shrink := range map[time.Duration]bool{0: false, 24 * ms: false, 26 * ms: true} {
		p := steady(t)
		p.pass(extra)
		for _, want := range []bool{shrink, false, shrink} {
			before := p.s.congestion.window
			p.deliver(p.ack(all(0, p.number-1)...))
			if shrunk := p.s.congestion.window < before; shrunk != want {
				t.Errorf("%v above the smallest round trip: window %d, before %d", extra, p.s.congestion.window, before)
			}
			p.write(p.s.congestion.window - 5*testPacket)
			p.drain()
			p.pass(testRTT + extra)
		}
	}
}

func TestStandingDelayBecomesTheBase(t *testing.T) {
	p := newPeer(t)
	p.s.congestion.window, p.s.congestion.slowStart = minWindowPackets*wire1, false
	for range guardRounds + 2 {
		p.write(full(1))
		n := p.number
		p.sends(1)
		p.pass(2 * testRTT)
		p.deliver(p.ack(n))
	}
	if p.s.rtt.minimum() != 2*testRTT {
		t.Errorf("the base is %v after %d rounds at the smallest window, want 200 ms", p.s.rtt.minimum(), guardRounds)
	}
}

func TestSlowStartDoublesUpToTheGrant(t *testing.T) {
	p := newPeer(t)
	p.grant = 20 * wire1
	p.write(baseBuffer)
	for _, window := range []int{4, 8, 16, 20} {
		first := p.number
		p.sends(window)
		p.wantIdle("the window is used up")
		p.pass(testRTT)
		p.deliver(p.ack(all(first, p.number-1)...))
		if c := p.s.congestion; c.window > 20*wire1 || c.window < min(2*window*990, 20*wire1) {
			t.Errorf("the window is %d bytes after %d packets", c.window, window)
		}
	}
}

func TestLossEndsSlowStart(t *testing.T) {
	p := flight(t, 20)
	p.pass(testRTT)
	p.deliver(p.ack(all(5, 19)...))
	before := p.s.congestion.window
	p.write(60 * 990)
	first := p.number
	p.drain()
	p.pass(testRTT)
	p.deliver(p.ack(all(first, p.number-1)...))
	if grown := p.s.congestion.window - before; p.number-first < 50 || grown <= 0 || grown > before/4 {
		t.Errorf("the window grew by %d from %d with %d packets", grown, before, p.number-first)
	}
}

// Without data enough to fill it, the window does not grow.
func TestIdleWindowDoesNotGrow(t *testing.T) {
	p := newPeer(t)
	for range 20 {
		p.write(900)
		n := p.number
		p.drain()
		p.pass(testRTT)
		p.deliver(p.ack(n))
	}
	p.wantWindow("one packet of four in flight", 4*wire1)
}

// Packets of a megabyte overflow 32 bits when multiplied.
func TestLargePacketsInCongestionAvoidance(t *testing.T) {
	c := newCongestion(1 << 20)
	c.slowStart, c.window = false, 4<<20
	c.onPacket(1<<20, maxBuffer, true)
	if c.window != 4<<20+1<<18 {
		t.Errorf("window %d", c.window)
	}
}

func TestGrantInMessages(t *testing.T) {
	p := newPeer(t)
	p.s.congestion.window = 1 << 20
	p.write(full(20))
	if n := p.drain(); n != initialMessages {
		t.Errorf("%d packets before the first ACK, want %d", n, initialMessages)
	}
	p.grantMessages = 9
	p.deliver(p.ack())
	if n := p.drain(); n != 5 {
		t.Errorf("%d more packets, want 5", n)
	}
	p.grantMessages = 3
	p.deliver(p.ack(0, 1, 2))
	if n := p.drain(); n != 0 {
		t.Errorf("%d packets although the grant was revoked", n)
	}
	p.deliver(p.ack(all(0, 6)...))
	if n := p.drain(); n != 1 {
		t.Errorf("%d packets, want one to make three in flight", n)
	}
}

func TestGrantInBytes(t *testing.T) {
	p := newPeer(t)
	p.s.congestion.window = 1 << 20
	p.grant = 5*wire1 + 10
	p.deliver(p.ack())
	p.write(full(20))
	if n := p.drain(); n != 5 {
		t.Errorf("%d packets, want 5", n)
	}
	p.grant = 0
	p.deliver(p.ack(all(0, 4)...))
	if n := p.drain(); n != 1 {
		t.Errorf("%d packets, want one: a stream never stands still", n)
	}
}

// The packet with the largest number says what is granted, in whatever order
// they come; and credit is never taken back.
func TestLatestGrantCounts(t *testing.T) {
	p := newPeer(t)
	p.grantMessages, p.grant, p.credit = 7, 7000, 200000
	p.theirs = 5
	p.deliver(p.ack())
	p.grantMessages, p.grant, p.credit = 9, 9000, 100000
	p.theirs = 3
	p.deliver(p.ack())
	if p.s.messages != 7 || p.s.bytes != 7000 || p.s.out.credit != 200000 {
		t.Errorf("grant %d and %d, credit %d", p.s.messages, p.s.bytes, p.s.out.credit)
	}
	p.theirs = 6
	p.deliver(p.ack())
	if p.s.messages != 9 || p.s.bytes != 9000 || p.s.out.credit != 200000 {
		t.Errorf("grant %d and %d, credit %d", p.s.messages, p.s.bytes, p.s.out.credit)
	}
}

// Whatever an ACK claims, it is understood on 32-bit machines too.
func TestHugeGrantIsBounded(t *testing.T) {
	p := newPeer(t)
	p.grantMessages, p.grant, p.credit = 1<<62-1, 1<<31, 1<<62-1
	p.deliver(p.ack())
	p.write(50000)
	for range 20 {
		first := p.number
		p.drain()
		p.deliver(p.ack(all(first, p.number-1)...))
	}
	if p.s.Unacknowledged() || p.s.congestion.window < 8*wire1 || p.s.messages > maxGrantMessages || p.s.bytes > maxBuffer {
		t.Errorf("window %d, grant %d and %d", p.s.congestion.window, p.s.messages, p.s.bytes)
	}
}
