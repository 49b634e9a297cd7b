package stream

import (
	"testing"
	"time"
)

func TestPeak(t *testing.T) {
	now := time.Unix(1e9, 0)
	var p peak
	update := func(after time.Duration, rate float64, want float64) {
		t.Helper()
		now = now.Add(after)
		if p.update(now, rate, testRTT); p.best() != want {
			t.Errorf("the best rate is %v, want %v", p.best(), want)
		}
	}
	life := max(rateLife, rateRounds*testRTT)
	if p.best() != 0 {
		t.Errorf("%v before any", p.best())
	}
	update(0, 50, 50)
	update(ms, 100, 100)
	update(ms, 70, 100)
	update(life, 60, 100) // of the period before
	update(ms, 80, 100)
	update(life, 10, 80) // which is forgotten now
	update(life+1, 10, 10)
	update(ms, 20, 20)
}

// On a far path a rate is believed for some round trips.
func TestPeakLastsSomeRoundTrips(t *testing.T) {
	now := time.Unix(1e9, 0)
	var p peak
	p.update(now, 100, rateLife)
	for range 2 {
		now = now.Add((rateRounds - 1) * rateLife)
		p.update(now, 1, rateLife)
	}
	if p.best() != 100 {
		t.Errorf("the rate is %v", p.best())
	}
	now = now.Add(rateRounds*rateLife + 1)
	if p.update(now, 1, rateLife); p.best() != 1 {
		t.Errorf("the rate is %v after two periods", p.best())
	}
}

func TestLeast(t *testing.T) {
	now := time.Unix(1e9, 0)
	var l least
	sample := func(after, d, want time.Duration) {
		t.Helper()
		now = now.Add(after)
		if l.sample(now, d); l.value() != want {
			t.Errorf("the least is %v, want %v", l.value(), want)
		}
	}
	if l.value() != 0 {
		t.Errorf("%v before any", l.value())
	}
	sample(0, 5*ms, 5*ms)
	sample(ms, 3*ms, 3*ms)
	sample(ms, 4*ms, 3*ms)
	sample(leastLife, 6*ms, 3*ms) // of the period before
	sample(ms, 7*ms, 3*ms)
	sample(leastLife, 9*ms, 6*ms) // which is forgotten now
	sample(leastLife+1, 9*ms, 9*ms)
	sample(ms, 0, 0)
	sample(ms, -3*ms, -3*ms) // from one clock to another
	sample(ms, -2*ms, -3*ms)
}
