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
			e.leave(now, &members[i])
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
