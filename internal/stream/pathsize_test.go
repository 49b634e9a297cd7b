package stream

import "testing"

// A stretch lost three times while smaller packets pass halves the packets.
func TestBlackHole(t *testing.T) {
	p := newPeerSize(t, 8000)
	p.write(8000)
	p.want("too large", "STREAM 0+7995")
	p.want("small", "STREAM 7995+5")
	p.pass(testRTT)
	p.deliver(p.ack(1))
	for round := range 3 {
		if p.s.size.limit != 8000 {
			t.Fatalf("packets were limited to %d after %d losses", p.s.size.limit, round)
		}
		for p.s.size.losses <= round && p.s.size.limit == 8000 {
			p.timer("loss or probe", p.s.Deadline().Sub(p.now))
			for p.s.Pending(p.now) != Idle {
				if got := p.next(); got == "PING" {
					p.pass(testRTT)
					p.deliver(p.ack(p.number - 1))
				}
			}
		}
	}
	p.pass(1000 * ms)
	p.drain()
	if p.s.size.limit != 4000 {
		t.Errorf("packets are limited to %d bytes, want 4000", p.s.size.limit)
	}
}

func TestPathSize(t *testing.T) {
	type step struct {
		acked        int // a packet of this size was acknowledged
		lost         int // a packet of this size was lost
		una, off, to uint64
	}
	for name, c := range map[string]struct {
		steps []step
		want  int
	}{
		"three times":           {[]step{{lost: 8000, to: 9}, {acked: 100}, {lost: 8000, to: 9}, {lost: 8000, to: 9}}, 4000},
		"twice":                 {[]step{{lost: 8000, to: 9}, {acked: 100}, {lost: 8000, to: 9}}, 8000},
		"almost as large pass":  {[]step{{lost: 8000, to: 9}, {acked: 7990}, {lost: 8000, to: 9}, {lost: 8000, to: 9}}, 7990 - testOverhead},
		"nothing passes":        {[]step{{lost: 8000, to: 9}, {lost: 8000, to: 9}, {lost: 8000, to: 9}}, 8000},
		"as large ones pass":    {[]step{{lost: 8000, to: 9}, {acked: 8000}, {lost: 8000, to: 9}, {lost: 8000, to: 9}}, 8000},
		"passed before":         {[]step{{acked: 100}, {lost: 8000, to: 9}, {lost: 8000, to: 9}, {lost: 8000, to: 9}}, 8000},
		"other stretches":       {[]step{{lost: 8000, to: 9}, {acked: 100}, {lost: 8000, off: 9, to: 18}, {lost: 8000, off: 18, to: 27}}, 8000},
		"progress in between":   {[]step{{lost: 8000, to: 9}, {lost: 8000, to: 9}, {acked: 100}, {lost: 8000, una: 9, off: 9, to: 18}}, 8000},
		"part of a larger one":  {[]step{{lost: 8000, to: 9}, {acked: 100}, {lost: 8000, to: 9}, {lost: 50, to: 1}}, 8000},
		"what is below the una": {[]step{{lost: 8000, una: 9, to: 9}, {acked: 1}, {lost: 8000, una: 9, to: 9}, {lost: 8000, una: 9, to: 9}}, 8000},
	} {
		p := pathSize{limit: 8000, overhead: testOverhead}
		for _, s := range c.steps {
			if s.acked > 0 {
				p.onAck(s.acked)
				continue
			}
			p.onLoss(s.off, s.to, s.una, s.lost)
		}
		if p.limit != c.want {
			t.Errorf("%s: limit %d, want %d", name, p.limit, c.want)
		}
	}
}

func TestPathSizeHasAFloor(t *testing.T) {
	p := newPeerSize(t, 8000)
	p.s.LimitPacket(100)
	if p.s.size.limit != minPacket {
		t.Errorf("limit %d, want %d", p.s.size.limit, minPacket)
	}
	p.s.LimitPacket(8000)
	if p.s.size.limit != minPacket {
		t.Error("the limit rose")
	}
	p.write(1000)
	p.want("cut to the limit", "STREAM 0+479")
}

// What a reconnect lost says nothing about sizes.
func TestReconnectIsNoBlackHole(t *testing.T) {
	p := newPeerSize(t, 8000)
	p.write(7995)
	p.sends(1)
	for range 5 {
		p.s.LinkDown()
		p.pass(10 * testRTT)
		p.s.LinkUp(p.now)
		p.s.Resume()
		p.next()
		p.pass(testRTT)
		p.deliver(p.ack(p.number - 1))
		p.drain()
	}
	if p.s.size.limit != 8000 || p.s.stats.Retransmitted < 5 {
		t.Errorf("limit %d after %d retransmissions", p.s.size.limit, p.s.stats.Retransmitted)
	}
}

// TestRandomLossIsNoBlackHole loses the first packet three times while others,
// without the ACK that the last of the three carries, pass.
func TestRandomLossIsNoBlackHole(t *testing.T) {
	const size = 32<<10 - testOverhead
	p := newBulk(t, size)
	p.write(4 << 20)
	var passed []uint64
	for i := range blackHoleLosses {
		if i == blackHoleLosses-1 {
			p.deliver(ping)
		}
		p.next() // is lost
		p.sends(8)
		passed = append(passed, all(p.number-8, p.number-1)...)
		p.pass(testRTT)
		p.deliver(p.ack(passed...))
	}
	if want := p.s.size.passed - testOverhead; p.s.size.limit != want || want < size-headroom {
		t.Errorf("packets are limited to %d bytes, although %d full ones passed, of %d at most", p.s.size.limit, len(passed), want)
	}
}
