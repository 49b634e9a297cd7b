package main

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// wanQueue is what a link's queue holds.
const wanQueue = 200 * time.Millisecond

// wanRow is one row of the matrix: the links, what is measured over them, and what is promised of it.
type wanRow struct {
	name string
	a, b wan.Link
	load float64 // what it moves at most, in Mbit/s; 0: the slower link's rate
	run  func(t *bed, m *wanRound) error

	command  bool           // whether it runs the real command
	matrix   *matrixPromise // of the rows that matrixTable shows
	promises []promise      // of all others
}

// wanRound is where a row's run puts what it measured, and how long it measures.
type wanRound struct {
	length time.Duration
	strain string // what the machine did to it

	mu      sync.Mutex
	results *results
}

// add takes note of a value. Two measurements may be under way.
func (m *wanRound) add(key, unit string, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.results.add(key, unit, value)
}

// weight is the row's share of what is measured at a time, in Mbit/s.
func (r *wanRow) weight() float64 {
	load := r.load
	if load == 0 {
		load = math.Min(r.a.Rate, r.b.Rate)
	}
	return min(max(load, wanLeast), wanTogether)
}

func link(rate float64, delay time.Duration) wan.Link {
	return wan.Link{Rate: rate, Delay: delay, Queue: wanQueue}
}

// wanRows are all, in the order of the report.
func wanRows() []*wanRow {
	return slices.Concat(evenRows(), unevenRows(), roughRows(), severalRows(), besideRows(), firstRows(), commandRows(), limitedRows(), holeRows())
}

// once runs the row in a network of its own. programs is where the command is.
func (r *wanRow) once(ctx context.Context, programs string, m *wanRound) error {
	t, err := newBed(ctx, programs, r.a, r.b)
	if err != nil {
		return err
	}
	defer t.close()
	err = r.run(t, m)
	m.strain = t.Strain()
	return err
}
