package stream

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/race"
)

// TestEveryLimitIsFound transfers both ways through brokers that drop what is a
// little smaller than a full packet, or a halved one: the frames before the data
// make the one packet pass and the other not.
func TestEveryLimitIsFound(t *testing.T) {
	const size = 1 << 20
	seeds := uint64(100)
	if testing.Short() || race.Enabled {
		seeds = 30
	}
	for seed := range seeds {
		s := newSim(t, seed, 32<<10, path{}, path{})
		full := (32<<10-simOverhead)>>s.random.IntN(4) + simOverhead
		limit := full - s.random.IntN(150)
		for _, e := range s.ends {
			e.out = path{
				delay: time.Duration(s.random.IntN(20)) * ms, rate: float64(s.random.IntN(100)+1) * 1e6,
				loss: float64(s.random.IntN(2)) / 100, drop: func(size int) bool { return size > limit },
			}
			e.write = size
		}
		took := s.run(time.Minute, func() bool {
			return s.ends[0].read == size && s.ends[1].read == size
		})
		s.sameHash(s.ends[0], s.ends[1])
		s.sameHash(s.ends[1], s.ends[0])
		if took > 20*time.Second {
			t.Errorf("seed %d: with a limit of %d bytes it takes %v", seed, limit, took)
		}
	}
}

// TestLimitBelowFullPackets drops full packets. Those pass that are smaller,
// because when their data was first sent there was an ACK with it.
func TestLimitBelowFullPackets(t *testing.T) {
	const size, written = 8000, 200 << 10
	p := newBulk(t, size)
	for round := 0; p.s.out.una < written; round++ {
		if round == 100 {
			t.Fatalf("stuck at offset %d with packets of %d bytes", p.s.out.una, p.s.size.limit)
		}
		if p.writeOffset < written {
			p.write(written / 4)
		}
		var passed []uint64
		for p.s.Pending(p.now) != Idle {
			if len(p.s.out.lost) == 0 && p.number%2 == 0 {
				p.deliver(ping)
			}
			p.next()
			if p.s.ledger.packets[len(p.s.ledger.packets)-1].size < size+testOverhead-5 {
				passed = append(passed, p.number-1)
			}
		}
		p.pass(testRTT)
		p.deliver(p.ack(passed...))
		if p.s.Pending(p.now) == Idle && p.s.out.una < written {
			p.pass(p.s.Deadline().Sub(p.now))
		}
	}
	if p.s.size.limit < size-headroom {
		t.Errorf("packets are limited to %d bytes, want almost %d", p.s.size.limit, size)
	}
}
