package main

import (
	"slices"
)

// series is what one quantity measured, a value for each round.
type series struct {
	key    string // as in "Conn 60 KiB"
	unit   string
	values []float64
}

func (s *series) median() float64   { return median(s.values) }
func (s *series) smallest() float64 { return slices.Min(s.values) }
func (s *series) largest() float64  { return slices.Max(s.values) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// results are all series, in the order in which they were first measured.
type results struct {
	list  []*series
	byKey map[string]*series
}

func newResults() *results { return &results{byKey: make(map[string]*series)} }

// add takes note of one round's value.
func (r *results) add(key, unit string, value float64) {
	s := r.byKey[key]
	if s == nil {
		s = &series{key: key, unit: unit}
		r.byKey[key] = s
		r.list = append(r.list, s)
	}
	s.values = append(s.values, value)
}

// get returns a series, nil if it was not measured.
func (r *results) get(key string) *series { return r.byKey[key] }

// ratio returns the median of the ratios of each round, which a machine that is slower in one round than in the next disturbs less
// than the ratio of the medians; false if one of the two was not measured.
func (r *results) ratio(key, against string) (float64, bool) {
	a, b := r.get(key), r.get(against)
	if a == nil || b == nil {
		return 0, false
	}
	ratios := make([]float64, min(len(a.values), len(b.values)))
	for i := range ratios {
		ratios[i] = a.values[i] / b.values[i]
	}
	return median(ratios), true
}
