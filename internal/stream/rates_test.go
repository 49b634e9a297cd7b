package stream

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// told is what a naive model knows of a stream.
type told struct {
	rate float64
	at   time.Time
	in   bool
}

// TestRates compares with a list of what each stream said last.
func TestRates(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	e, now := NewEnsemble(), time.Unix(1e9, 0)
	members, list := make([]member, 10), make([]told, 10)
	for range 20_000 {
		now = now.Add(time.Duration(random.Float64() * random.Float64() * float64(ratesLife)))
		i := random.IntN(len(members))
		if random.IntN(4) == 0 {
			e.leave(&members[i])
			list[i].in = false
			continue
		}
		list[i] = told{float64(1 + random.IntN(1000)), now, true}
		mean := e.share(now, 7, &members[i], list[i].rate) * list[i].rate
		if low, high := bounds(list, now); mean < low-1e-6 || mean > high+1e-6 {
			t.Fatalf("the mean is %v, want %v to %v", mean, low, high)
		}
	}
}

// bounds are the least and the largest mean that may be, given that streams which said nothing for one to two ratesLife may count.
func bounds(list []told, now time.Time) (low, high float64) {
	sum, n := 0.0, 0.0
	var perhaps []float64
	for _, x := range list {
		switch age := now.Sub(x.at); {
		case x.in && age <= ratesLife:
			sum, n = sum+x.rate, n+1
		case x.in && age <= 2*ratesLife:
			perhaps = append(perhaps, x.rate)
		}
	}
	low, high = math.Inf(1), 0
	for subset := range 1 << len(perhaps) {
		s, m := sum, n
		for i, rate := range perhaps {
			if subset&(1<<i) != 0 {
				s, m = s+rate, m+1
			}
		}
		low, high = min(low, s/m), max(high, s/m)
	}
	return low, high
}

func TestRatesOfPathsAreApart(t *testing.T) {
	e, now := NewEnsemble(), time.Unix(1e9, 0)
	var a, b, c member
	e.share(now, 1, &a, 100)
	if part := e.share(now, 2, &b, 300); part != 1 {
		t.Errorf("alone on a path it has %v of its rate", part)
	}
	if part := e.share(now, 1, &c, 400); part != 250./400 {
		t.Errorf("beside one of 100 it has %v of 400", part)
	}
	if part := e.share(now, 2, &a, 100); part != 2 {
		t.Errorf("beside one of 300, after a move, it has %v of 100", part)
	}
	if part := e.share(now, 1, &c, 400); part != 1 {
		t.Errorf("after the other one has moved it has %v of its rate", part)
	}
}

// A stream goes by the mean while it has more to send, in window and pace, and by its own rate else.
func TestStreamGoesByTheMean(t *testing.T) {
	p := settled(t, 150)
	alone, interval := p.c.target(), p.c.interval(1000)
	p.c.share = 0.5
	if got := p.c.target(); got != alone/2 {
		t.Errorf("the window is %d, want half of %d", got, alone)
	}
	if got := p.c.interval(1000); (got - 2*interval).Abs() > time.Microsecond {
		t.Errorf("the interval is %v, want twice %v", got, interval)
	}
	p.c.share = 0
	if p.c.target() != alone || p.c.interval(1000) != interval {
		t.Error("by its own rate it is another one than before")
	}
}

// A stream tells its rate after each round trip that tells what the path can do, and leaves when it has not more to send,
// or another path.
func TestStreamSharesItsRate(t *testing.T) {
	for name, ends := range map[string]func(p *peer){
		"not more to send": func(p *peer) {
			p.s.congestion.filled = 0
			p.round()
		},
		"a reconnect":          func(p *peer) { p.s.PathUp(p.now, p.s.size.limit) },
		"the peer's reconnect": func(p *peer) { p.deliver(p.resume()) },
	} {
		p := newBulk(t, 100<<10)
		p.s.congestion.startup = false
		other := new(member)
		p.round()
		p.s.push.shared.share(p.now, p.s.path, other, 3*p.s.congestion.rate.best())
		p.s.congestion.filled = 1 << 62
		p.round()
		if share := p.s.congestion.share; share < 1.9 || share > 2.1 {
			t.Fatalf("beside a stream with thrice its rate, it goes by %v of that", share)
		}
		ends(p)
		if p.s.member.of != nil || p.s.congestion.share != 0 {
			t.Errorf("after %s it goes by %v of its rate", name, p.s.congestion.share)
		}
	}
}

// round sends as many packets as make a round, and has them acknowledged.
func (p *peer) round() {
	p.Helper()
	first := p.number
	for range roundPackets + 1 {
		p.write(p.s.size.packet())
		p.sends(1)
	}
	p.pass(testRTT)
	var numbers []uint64
	for n := first; n < p.number; n++ {
		numbers = append(numbers, n)
	}
	p.deliver(p.ack(numbers...))
}
