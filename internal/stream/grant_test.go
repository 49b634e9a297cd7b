package stream

import "testing"

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
	if p.s.Status().Waiting || p.s.congestion.window < 8*wire1 || p.s.messages > maxGrantMessages || p.s.bytes > maxBuffer {
		t.Errorf("window %d, grant %d and %d", p.s.congestion.window, p.s.messages, p.s.bytes)
	}
}
