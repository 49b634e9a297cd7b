package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

const (
	// wanTogether is what all rows that are measured at a time move together at most, in Mbit/s: what two cores carry without
	// being what is measured. A row that moves more is alone.
	wanTogether = 100

	// wanLeast is what a row counts with at least, in Mbit/s: so no more than six are measured at a time.
	wanLeast = 16
)

// wanRun is a run of the matrix.
type wanRun struct {
	rows     []*wanRow
	rounds   int
	length   time.Duration
	progress io.Writer

	mu      sync.Mutex
	results *results
	failed  map[string]error // by row
}

// runWAN measures over emulated links what matches o.wanOnly.
func runWAN(ctx context.Context, o options) error {
	if err := wan.Available(); err != nil {
		return err
	}
	only, err := regexp.Compile(o.wanOnly)
	if err != nil {
		return err
	}
	_, err = measureWAN(ctx, o, only, os.Stdout)
	return err
}

// measureWAN measures the rows that match.
func measureWAN(ctx context.Context, o options, only *regexp.Regexp, progress io.Writer) (*wanRun, error) {
	length := time.Duration(o.wanSecs * float64(time.Second))
	w := &wanRun{rounds: o.rounds, length: length, progress: progress, results: newResults(), failed: make(map[string]error)}
	for _, r := range wanRows() {
		if only.MatchString(r.name) {
			w.rows = append(w.rows, r)
		}
	}
	if len(w.rows) == 0 {
		return nil, fmt.Errorf("no row matches %q", only)
	}
	for range w.rounds {
		if err := w.round(ctx); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// round measures every row once, those alike together: slow ones a few at a time.
func (w *wanRun) round(ctx context.Context) error {
	rows := slices.SortedStableFunc(slices.Values(w.rows), func(a, b *wanRow) int { return int(b.rate() - a.rate()) })
	room := semaphore.NewWeighted(wanTogether)
	var running sync.WaitGroup
	defer running.Wait()
	for _, r := range rows {
		weight := int64(min(max(r.rate(), wanLeast), wanTogether))
		if err := room.Acquire(ctx, weight); err != nil {
			return err
		}
		running.Go(func() {
			defer room.Release(weight)
			w.measure(ctx, r)
		})
	}
	running.Wait()
	return ctx.Err()
}

// measure measures a row once. What fails is reported, and the others go on.
func (w *wanRun) measure(ctx context.Context, r *wanRow) {
	here := newResults()
	err := r.once(ctx, &wanRound{length: w.length, add: here.add})
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.failed[r.name] = err
		fmt.Fprintf(w.progress, "%-40s FAILED: %v\n", r.name, err)
		return
	}
	for _, s := range here.list {
		w.results.add(s.key, s.unit, s.values[0])
	}
	fmt.Fprintln(w.progress, r.line(here))
}
