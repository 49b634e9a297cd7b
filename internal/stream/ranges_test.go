package stream

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const universe = 64

// naive is a set of integers below universe.
type naive map[uint64]bool

// intervals returns the set as ranges must keep it.
func (n naive) intervals() (intervals []interval) {
	for v := range uint64(universe + 1) {
		switch {
		case n[v] && !n[v-1]:
			intervals = append(intervals, interval{v, v + 1})
		case n[v]:
			intervals[len(intervals)-1].end++
		}
	}
	return intervals
}

func (n naive) all(start, end uint64) bool {
	for v := start; v < end; v++ {
		if !n[v] {
			return false
		}
	}
	return true
}

func TestRangesAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var r ranges
		model := naive{}
		for range 100 {
			start := random.Uint64N(universe)
			end := min(start+random.Uint64N(1+random.Uint64N(20)), universe)
			before := slices.Clone(r)
			if random.IntN(3) > 0 {
				touches := r.touches(start, end)
				if got, want := r.add(start, end), !model.all(start, end); got != want {
					t.Fatalf("%v.add(%d, %d) = %v", before, start, end, got)
				}
				if start < end && touches != (len(r) <= len(before)) {
					t.Fatalf("%v.touches(%d, %d) = %v", before, start, end, touches)
				}
				for v := start; v < end; v++ {
					model[v] = true
				}
			} else {
				r.remove(start, end)
				for v := start; v < end; v++ {
					delete(model, v)
				}
			}
			if !slices.Equal(r, model.intervals()) {
				t.Fatalf("seed %d: from %v with [%d, %d): got %v, want %v", seed, before, start, end, r, model.intervals())
			}
		}
	}
}

func TestRangesAtTheirLimits(t *testing.T) {
	const last = 1<<64 - 1
	var r ranges
	r.add(last-1, last)
	r.add(0, 1)
	r.add(1<<63, 1<<63+5)
	r.remove(1<<63+1, 1<<63+2)
	want := ranges{{0, 1}, {1 << 63, 1<<63 + 1}, {1<<63 + 2, 1<<63 + 5}, {last - 1, last}}
	if !slices.Equal(r, want) {
		t.Errorf("got %v, want %v", r, want)
	}
	if r.remove(0, last); len(r) != 0 {
		t.Errorf("%v is left", r)
	}
}
