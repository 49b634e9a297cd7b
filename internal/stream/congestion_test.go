package stream

import "testing"

const wire1 = testPacket + testOverhead

// steady returns a peer of a stream after its start-up whose window of 40
// packets, numbers 4 to 43, is all in flight at the end of a round trip.
func steady(t *testing.T) *peer {
	p := newPeer(t)
	p.write(full(4))
	p.sends(4)
	p.pass(testRTT)
	p.deliver(p.ack(all(0, 3)...))
	p.s.congestion.window, p.s.congestion.startup = 40*wire1, false
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
	shrunk := 40 * wire1 * 7 / 10
	p.deliver(p.ack(append(all(4, 5), all(9, 11)...)...))
	p.wantWindow("6, 7 and 8 lost", shrunk)
	p.deliver(p.ack(append(all(9, 12), append(all(17, 20), all(26, 43)...)...)...))
	p.wantWindow("13 to 16 and 21 to 25 were sent before the window shrank", shrunk)
	first := p.number
	p.unpaced()
	p.drain()
	p.pass(testRTT)
	p.deliver(p.ack(first, p.number-1))
	if p.number-first < 10 {
		t.Fatalf("only %d packets in the next round trip", p.number-first)
	}
	p.wantWindow("a burst in the next round trip", shrunk*7/10)
}

// Numbers of a burst need not follow each other: those between may be of ACKs.
func TestBurstLossBetweenAcks(t *testing.T) {
	for _, following := range []uint64{0, 1} { // 1: another packet came between
		c := newCongestion(wire1)
		c.window = 40 * wire1
		for n := uint64(10); n < 10+3*burstLoss; n += 3 {
			c.onLoss(n, n+3+following, 100)
		}
		if shrunk := c.window < 40*wire1; shrunk != (following == 0) {
			t.Errorf("%d losses, with %d packets that arrived between two: window %d", burstLoss, following, c.window)
		}
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

func TestStartupTreblesUpToTheGrant(t *testing.T) {
	p := newPeer(t)
	p.grant = 50 * wire1
	p.write(baseBuffer)
	for _, packets := range []int{4, 12, 36} {
		first, before := p.number, p.s.congestion.window
		p.sends(packets)
		p.wantIdle("the window is used up")
		flight := p.s.sent.bytes
		p.pass(testRTT)
		p.deliver(p.ack(all(first, p.number-1)...))
		p.wantWindow("trebled", min(before+startupGrowth*flight, 50*wire1))
		p.write(p.s.out.space())
	}
	p.wantWindow("there is no more to be had", 50*wire1)
}

func TestLossEndsTheStartup(t *testing.T) {
	p := flight(t, 20)
	before := p.s.congestion.window
	p.pass(testRTT)
	p.deliver(p.ack(all(5, 19)...))
	p.wantWindow("0 to 4 lost", before*7/10)
	if p.s.congestion.startup {
		t.Fatal("the start-up goes on")
	}
	for _, whole := range []bool{false, true} { // a round trip that had begun, and a whole one
		p.credit = p.writeOffset + 1<<20
		p.write(72 * testPacket)
		p.unpaced()
		first := p.number
		p.drain()
		p.pass(testRTT)
		p.deliver(p.ack(all(first, p.number-1)...))
		if got, want := p.s.congestion.window, p.s.congestion.target(); p.number-first < 50 || whole && got != min(want, p.s.grant()) || !whole && got != before*7/10 {
			t.Errorf("a whole round trip: %v: the window is %d, after %d packets", whole, got, p.number-first)
		}
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
