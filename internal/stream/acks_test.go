package stream

import (
	"slices"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

func TestAckOfOnePacket(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 100))
	p.wantIdle("an ACK costs as much as data")
	p.timer("no other comes", 25*ms)
	p.want("due", "ACK 0-0")
	p.wantIdle("said once")
	p.wantNoTimer("nothing is pending")
	if p.last.Delay != 25*ms || p.last.Credit != baseBuffer || p.last.GrantMessages != 128 || p.last.GrantBytes != 4<<20 {
		t.Errorf("the ACK says %+v", p.last)
	}
}

func TestAckWhenInboundHasDrained(t *testing.T) {
	p := newPeer(t)
	p.given, p.s.acks.elicited = 1000, beyondBeginning
	p.deliver(data(0, 10))
	p.timer("no other comes", 25*ms)
	p.want("the first ACK sets the pace to 16", "ACK 0-0")
	p.deliver(data(10, 10))
	p.pass(20 * ms)
	p.deliver(data(20, 10))
	if p.s.Pending(p.now) != Urgent {
		t.Error("the second comes 20 ms after the first, and no ACK is due")
	}
	p.want("due", "ACK 0-2")
	p.deliver(data(30, 10))
	p.pass(3 * ms)
	p.deliver(data(40, 10))
	p.wantIdle("more may come")
	p.timer("inbound has drained", 2*ms)
	p.want("due", "ACK 0-4")
}

func TestAckIsHeldTenMillisecondsAtMost(t *testing.T) {
	p := newPeer(t)
	p.given, p.s.acks.elicited = 1000, beyondBeginning
	p.deliver(data(0, 10))
	p.timer("no other comes", 25*ms)
	p.want("the first ACK sets the pace to 16", "ACK 0-0")
	for i := range uint64(6) {
		p.deliver(data(10+i, 1))
		p.wantIdle("more may come")
		if i < 5 {
			p.pass(1900 * time.Microsecond)
		}
	}
	p.timer("10 ms after the first", 500*time.Microsecond)
	p.want("due", "ACK 0-6")
}

// beyondBeginning is after how many packets the pace of ACKs is that of the grant.
const beyondBeginning = ackPackets * ackPackets

// Few packets are in flight at the beginning, and each ACK lets more go.
func TestAcksComeEarlyAtTheBeginning(t *testing.T) {
	p := newPeer(t)
	acked := 0
	for n := range uint64(beyondBeginning) {
		p.deliver(data(n, 1))
		if p.s.Pending(p.now) == Urgent {
			if every := int(n) + 1 - acked; every > minAckPackets+int(n)/ackPackets+1 {
				t.Fatalf("an ACK covers %d packets after %d", every, n)
			}
			acked = int(n) + 1
			p.drain()
		}
	}
	if acked == 0 {
		t.Error("no ACK at all")
	}
}

func TestAckPace(t *testing.T) {
	for _, c := range []struct {
		grant uint64
		every int
	}{{0, 2}, {1, 2}, {2, 2}, {11, 2}, {12, 3}, {40, 10}, {64, 16}, {128, 16}, {1 << 60, 16}} {
		p := newPeer(t)
		p.given, p.s.acks.elicited = c.grant, beyondBeginning
		p.deliver(ping)
		p.want("the first ACK sets the pace", "ACK 0-0")
		for round := range 3 {
			for i := range c.every {
				if p.s.Pending(p.now) != Idle {
					t.Fatalf("grant %d: ACK after %d packets, want every %d", c.grant, i, c.every)
				}
				p.deliver(data(uint64(round*c.every+i), 1))
			}
			if p.s.Pending(p.now) != Urgent {
				t.Fatalf("grant %d: no ACK after %d packets", c.grant, c.every)
			}
			p.drain()
		}
	}
}

func TestAckPaceBeforeTheFirst(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 1))
	p.wantIdle("one packet")
	p.deliver(data(1, 1))
	p.want("two packets, since a peer sends four at most before the first ACK", "ACK 0-1")
}

func TestAckAtOnce(t *testing.T) {
	for name, f := range map[string]func(p *peer){
		"PING":      func(p *peer) { p.deliver(ping) },
		"FIN":       func(p *peer) { p.deliver(fin(1)) },
		"STOP":      func(p *peer) { p.deliver(stop) },
		"RESET":     func(p *peer) { p.deliver(reset(1)) },
		"RESUME":    func(p *peer) { p.deliver(p.resume()) },
		"duplicate": func(p *peer) { p.deliver(data(0, 1)) },
		"gap":       func(p *peer) { p.lose(); p.deliver(data(2, 1)) },
		"late": func(p *peer) {
			p.lose()
			p.deliver(data(2, 1))
			p.drain()
			p.theirs -= 2
			p.deliver(data(1, 1))
		},
		"gap before an ACK": func(p *peer) {
			p.lose()
			p.deliver(p.ack())
			p.wantIdle("ACKs are not acknowledged")
			p.deliver(data(2, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t)
			p.deliver(data(0, 1))
			p.timer("no other comes", 25*ms)
			p.want("first", "ACK 0-0")
			f(p)
			if p.s.Pending(p.now) != Urgent {
				t.Error("no ACK is sent at once")
			}
			if len(p.next()) == 0 || p.s.Pending(p.now) != Idle {
				t.Error("there is no ACK, or more than one")
			}
		})
	}
}

func TestAcksAndPaddingAreNotAcknowledged(t *testing.T) {
	p := newPeer(t)
	p.deliver(p.ack())
	p.deliver(func(b []byte) []byte { return append(b, 0, 0, 0) })
	p.deliver()
	p.wantIdle("nothing asks for an ACK")
	p.wantNoTimer("nothing asks for an ACK")
	p.deliver(ping)
	p.want("but they are listed", "ACK 0-3")
}

func TestAckRidesOnData(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 1))
	p.write(1)
	p.want("whatever is sent carries the news", "ACK 0-0, STREAM 0+1")
	p.write(1)
	p.want("no news", "STREAM 1+1")
}

// Neither a writer that is busy nor a link that is down may make Deadline
// return a time that has passed: the owner's timer would spin.
func TestDueAckHasNoDeadline(t *testing.T) {
	for _, up := range []bool{true, false} {
		p := newPeer(t)
		p.deliver(data(0, 1))
		if !up {
			p.s.NoPath()
		}
		p.timer("no other comes", 25*ms)
		p.wantNoTimer("due")
		p.pass(ms)
		p.wantNoTimer("still due")
		p.want("as soon as the writer comes", "ACK 0-0")
	}
}

// The delay is told truthfully also when nothing is pending: the packet may be
// one whose first ACK was lost.
func TestRepeatedAckTellsItsDelay(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 1))
	p.timer("no other comes", 25*ms)
	p.want("first", "ACK 0-0")
	p.pass(8 * ms)
	p.s.Resume()
	p.want("again", "RESUME 0-0")
	if p.last.Delay != 33*ms {
		t.Errorf("the delay is %v, want 33 ms", p.last.Delay)
	}
}

func TestAckKeepsTheLatestRanges(t *testing.T) {
	p := newPeer(t)
	for range 40 {
		p.deliver(ping)
		p.lose()
	}
	p.next()
	if n := len(p.last.Ranges); n != wire.MaxRanges || p.last.Ranges[0].Largest != 78 || p.last.Ranges[n-1].Smallest != 78-2*31 {
		t.Errorf("%d ranges from %v to %v", n, p.last.Ranges[0], p.last.Ranges[n-1])
	}
	p.theirs = 0
	p.deliver(ping)
	p.next()
	if p.last.Ranges[wire.MaxRanges-1].Smallest != 78-2*31 {
		t.Error("a number below all ranges pushed one out")
	}
}

// However far apart the numbers are, an ACK fits the smallest packet.
func TestAckFitsTheSmallestPacket(t *testing.T) {
	p := newPeerSize(t, minPacket)
	p.given, p.givenBytes = wire.MaxInteger, wire.MaxInteger
	p.s.Resume()
	p.deliver(ping)
	p.s.acks.received = nil
	for i := range uint64(wire.MaxRanges) {
		p.s.acks.received.add(1<<61+i<<40, 1<<61+i<<40+1<<31)
	}
	p.pass(100 * wire.MaxDelay)
	p.write(3000)
	p.s.Reset(wire.MaxInteger)
	p.s.Ping()
	if n := len(next(p.s, p.now, 0, p.room)); n > minPacket {
		t.Fatalf("a packet of %d bytes, want at most %d", n, minPacket)
	}
	if err := wire.Parse(p.room, new(wire.Ack), &describer{peer: p}); err != nil || len(p.last.Ranges) < 20 {
		t.Errorf("malformed, or only %d ranges: %v", len(p.last.Ranges), err)
	}
}

// Numbers arrive in any order: what is reported is what arrived, most recent
// ranges first.
func TestAckRangesInAnyOrder(t *testing.T) {
	p := newPeer(t)
	for _, n := range []uint64{5, 3, 4, 9, 0, 8, 20} {
		p.theirs = n
		p.deliver(ping)
	}
	p.next()
	want := []wire.Range{{Smallest: 20, Largest: 20}, {Smallest: 8, Largest: 9}, {Smallest: 3, Largest: 5}, {Smallest: 0, Largest: 0}}
	if !slices.Equal(p.last.Ranges, want) {
		t.Errorf("ranges %v, want %v", p.last.Ranges, want)
	}
}

// Where messages are large, or many Conns share the inbox, the grant's bytes run out long before its messages do.
func TestAckPaceInBytes(t *testing.T) {
	now := time.Unix(0, 0)
	a := acks{elicited: beyondBeginning}
	a.fill(&wire.Ack{GrantMessages: 128, GrantBytes: 1000}, now, wire.MaxRanges)
	for number := range uint64(3) {
		if a.due(now) {
			t.Fatalf("an ACK is due after %d of 1000 bytes granted", number*100)
		}
		a.receive(now, number, 100, true, false)
	}
	if !a.due(now) {
		t.Error("no ACK after 300 of 1000 bytes granted")
	}
}
