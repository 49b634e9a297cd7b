package main

import (
	"context"
	"errors"
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
	programs string
	progress io.Writer

	mu      sync.Mutex
	results *results
	failed  int // measurements
}

// runWAN measures over emulated links what matches o.wanOnly, and reports.
func runWAN(ctx context.Context, o options) error {
	if err := wan.Available(); err != nil {
		return err
	}
	w, err := newWANRun(o)
	if err != nil {
		return err
	}
	if w.programs, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(w.programs)
	if err := w.measureAll(ctx); err != nil {
		return err
	}
	fmt.Println()
	w.writeReport(os.Stdout)
	if o.out != "" {
		err = w.saveReport(o.out)
	}
	if w.failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d measurements failed", w.failed))
	}
	return err
}

// newWANRun chooses the rows.
func newWANRun(o options) (*wanRun, error) {
	only, err := regexp.Compile(o.wanOnly)
	if err != nil {
		return nil, err
	}
	if _, err := findMosquitto(); err != nil {
		return nil, fmt.Errorf("the broker between the links: %w", err)
	}
	w := &wanRun{rounds: o.rounds, length: time.Duration(o.wanSecs * float64(time.Second)), progress: os.Stdout, results: newResults()}
	for _, r := range wanRows() {
		if only.MatchString(r.name) {
			w.rows = append(w.rows, r)
		}
	}
	if len(w.rows) == 0 {
		return nil, fmt.Errorf("no row matches %q", o.wanOnly)
	}
	return w, nil
}

// measureAll measures every row in every round.
func (w *wanRun) measureAll(ctx context.Context) error {
	if slices.ContainsFunc(w.rows, func(r *wanRow) bool { return r.command }) {
		if err := buildCommand(ctx, w.programs); err != nil {
			return err
		}
	}
	for round := range w.rounds {
		fmt.Fprintf(w.progress, "Round %d of %d; %s.\n", round+1, w.rounds, togetherText)
		if err := w.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

// togetherText says what wanTogether and wanLeast mean.
var togetherText = fmt.Sprintf("rows that move at most %d Mbit/s together are measured at the same time, each in a network of its own, up to %d", wanTogether, wanTogether/wanLeast)

// round measures every row once, those alike together: slow ones a few at a time.
func (w *wanRun) round(ctx context.Context) error {
	rows := slices.SortedStableFunc(slices.Values(w.rows), func(a, b *wanRow) int { return int(b.weight() - a.weight()) })
	room := semaphore.NewWeighted(wanTogether)
	var running sync.WaitGroup
	defer running.Wait()
	for _, r := range rows {
		weight := int64(r.weight())
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
	m := &wanRound{length: w.length, results: newResults()}
	err := r.once(ctx, w.programs, m)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.failed++
		fmt.Fprintf(w.progress, "%s: FAILED: %v\n", r.name, err)
	default:
		for _, s := range m.results.list {
			w.results.add(s.key, s.unit, s.values[0])
		}
		fmt.Fprintln(w.progress, r.line(m.results))
		if m.strain != "" {
			fmt.Fprintf(w.progress, "%s: %s\n", r.name, m.strain)
		}
	}
}
