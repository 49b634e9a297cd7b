package stream

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestEveryLimitIsFound transfers both ways through brokers that drop what is a
// little smaller than a full packet, or a halved one: the frames before the data
// make the one packet pass and the other not.
func TestEveryLimitIsFound(t *testing.T) {
	const size = 1 << 20
	seeds := uint64(100)
	if testing.Short() || simtest.Race {
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
			if p.s.sent.packets[len(p.s.sent.packets)-1].size < size+testOverhead-5 {
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

// TestSearchGoesOnWithoutCredit looks for small limits when all that the peer
// gave credit for was sent, in packets that do not arrive.
func TestSearchGoesOnWithoutCredit(t *testing.T) {
	for _, c := range []struct {
		packet, limit int
		delay         time.Duration
	}{{32 << 10, 1100, 5 * ms}, {100 << 10, 1611, 5 * ms}, {1 << 20, 1100, 5 * ms}, {1 << 20, 30000, 100 * ms}} {
		for first := range 20 { // bytes written before the rest
			s := newSim(t, uint64(first), c.packet, path{}, path{})
			for _, e := range s.ends {
				e.out = path{delay: c.delay, drop: func(size int) bool { return size > c.limit }}
				e.stream.config.Grant = func(time.Time) (uint64, uint64) { return 16, 4 << 20 }
			}
			a, b := s.ends[0], s.ends[1]
			a.write, a.mayWrite = 1<<20, 25*first
			s.after(ms, func() { a.mayWrite = 1 << 20 })
			took := s.run(time.Hour, func() bool { return b.read == 1<<20 })
			s.sameHash(a, b)
			if took > 20*time.Second {
				t.Errorf("packets of %d bytes, a limit of %d, round trip %v: 1 MiB takes %v", c.packet, c.limit, 2*c.delay, took)
			}
		}
	}
}

// TestLossByChanceHardlyShrinksPackets answers requests of one packet over a
// path that loses every fifth.
func TestLossByChanceHardlyShrinksPackets(t *testing.T) {
	const packet, request, answer, rounds = 32 << 10, 30 << 10, 10, 2500
	p := path{delay: 10 * ms, loss: 0.2}
	s := newSim(t, 1, packet, p, p)
	a, b := s.ends[0], s.ends[1]
	asked := 0
	s.behave = func(i int) {
		switch {
		case i == 0 && a.read == answer*asked && asked < rounds:
			asked++
			a.write = request
		case i == 1 && b.write == 0 && b.read == request*asked && int(b.stream.out.end) < answer*asked:
			b.write = answer
		}
	}
	s.run(time.Hour, func() bool { return a.read == answer*rounds })
	if limit := a.stream.size.limit; limit < packet/8 {
		t.Errorf("packets are limited to %d bytes after %d requests", limit, rounds)
	}
}
