package stream

import (
	"testing"
)

// A segment lost three times while smaller packets pass halves the packets.
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
		"other list":            {[]step{{lost: 8000, to: 9}, {acked: 100}, {lost: 8000, off: 9, to: 18}, {lost: 8000, off: 18, to: 27}}, 8000},
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
	p.s.size.bound(100)
	if p.s.size.limit != minPacket {
		t.Errorf("limit %d, want %d", p.s.size.limit, minPacket)
	}
	p.s.size.bound(8000)
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
		p.s.NoPath()
		p.pass(10 * testRTT)
		p.s.PathUp(p.now, p.s.config.MaxPacket)
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
	if want := p.s.size.passed - testOverhead; p.s.size.limit < want || want < size-headroom {
		t.Errorf("packets are limited to %d bytes, although %d full ones passed, of %d at most", p.s.size.limit, len(passed), want)
	}
}

func TestPacketFollowsTheRate(t *testing.T) {
	p := newPathSize(Config{MaxPacket: 100 << 10})
	if p.packet() != initialPacket {
		t.Fatalf("a packet has %d bytes before any rate is known", p.packet())
	}
	for name, c := range map[string]struct {
		rate  float64 // bytes in packetTime
		least int
		want  int
	}{
		"the rate":                    {20 << 10, 0, 20 << 10},
		"more than the broker passes": {200 << 10, 0, 100 << 10},
		"a slow path":                 {10, 0, smallestFit},
		"many in flight":              {10, 30 << 10, 30 << 10},
		"few in flight":               {20 << 10, 10 << 10, 20 << 10},
	} {
		p.fit = p.wanted(c.rate/packetTime.Seconds()+1, c.least)
		if p.packet() != c.want {
			t.Errorf("%s: a packet has %d bytes, want %d", name, p.packet(), c.want)
		}
	}
}

// A small change changes nothing.
func TestPacketStaysWithASmallChange(t *testing.T) {
	p := pathSize{limit: 1 << 20, fit: 8000}
	for wanted, change := range map[int]string{10_001: "larger", 10_000: "none", 6000: "none", 5999: "smaller"} {
		if p.grows(wanted) != (change == "larger") || p.shrinks(wanted) != (change == "smaller") {
			t.Errorf("for %d bytes: larger %v, smaller %v", wanted, p.grows(wanted), p.shrinks(wanted))
		}
	}
}

func TestLimitIsRestoredWhenAPaceBegins(t *testing.T) {
	p := pathSize{most: 8000, limit: 1000, fit: 500, losses: 2, halved: 1}
	if p.setPaced(false); p.packet() != 500 || p.limit != 1000 {
		t.Errorf("a packet has %d bytes, of %d", p.packet(), p.limit)
	}
	if p.setPaced(true); p.packet() != 8000 || p.losses != 0 || p.halved != countedLosses {
		t.Errorf("at a pace: %+v", p)
	}
	p.lower(3000)
	if p.setPaced(true); p.packet() != 3000 {
		t.Errorf("a limit that was found at a pace is forgotten: a packet has %d bytes", p.packet())
	}
	if p.setPaced(false); p.packet() != 500 || p.limit != 3000 {
		t.Errorf("after the pace a packet has %d bytes, of %d", p.packet(), p.limit)
	}
}

// What a broker hangs up on stays too large at a pace, too.
func TestBoundStaysAtAPace(t *testing.T) {
	p := newPathSize(Config{MaxPacket: 32 << 10})
	p.bound(8 << 10)
	if p.setPaced(true); p.packet() != 8<<10 {
		t.Errorf("a packet has %d bytes", p.packet())
	}
}

// What passed once is not lost for its size, however often.
func TestWhatPassedIsNotTooLarge(t *testing.T) {
	p := pathSize{most: 8000, limit: 8000, fit: 4000}
	p.onAck(4000)
	for range 5 {
		p.onLoss(0, 4000, 0, 4000)
		p.onAck(50)
	}
	if p.limit != 8000 {
		t.Errorf("the limit is %d", p.limit)
	}
	for range blackHoleLosses {
		p.onLoss(0, 8000, 0, 8000)
		p.onAck(50)
	}
	if p.limit == 8000 {
		t.Error("what never passed is not suspected")
	}
}
