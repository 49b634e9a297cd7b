package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// pathsRun is a run that measures several brokers in one address.
type pathsRun struct {
	place    *place
	rounds   int
	only     *regexp.Regexp
	progress io.Writer
	results  *results
	failed   int // measurements
}

// runPaths measures and reports what matches o.only.
func runPaths(ctx context.Context, o options) error {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := newPlace(dir)
	if err != nil {
		return err
	}
	defer p.stop()
	p.say = func(format string, values ...any) { fmt.Printf(format+"\n", values...) }
	r := &pathsRun{place: p, rounds: o.rounds, only: only, progress: os.Stdout, results: newResults()}
	if err := r.measureAll(ctx); err != nil {
		return err
	}
	fmt.Println()
	r.writeReport(os.Stdout)
	if o.out != "" {
		err = r.saveReport(o.out)
	}
	if r.failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d measurements failed", r.failed))
	}
	return err
}

// measureAll measures everything once a round. What fails is reported, and the others go on.
func (r *pathsRun) measureAll(ctx context.Context) error {
	for round := range r.rounds {
		r.place.turn = round
		for _, m := range r.place.plan() {
			if !r.only.MatchString(m.name) {
				continue
			}
			if err := r.place.start(); err != nil {
				return err
			}
			runtime.GC() // nobody pays for the garbage of the one before
			err := m.run(ctx, func(key, unit string, value float64) {
				fmt.Fprintf(r.progress, "round %d: %s: %s\n", round+1, key, quantity(value, unit))
				r.results.add(key, unit, value)
			})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				r.failed++
				fmt.Fprintf(r.progress, "round %d: %s: FAILED: %v\n", round+1, m.name, err)
			}
		}
	}
	return nil
}

// plan lists the measurements of one round in their order.
func (p *place) plan() []measurement {
	var list []measurement
	for _, part := range [][]measurement{p.strikePlan(), p.dialPlan(), p.restartPlan(), p.steadyPlan(), p.manyPlan(), p.clusterPlan()} {
		list = append(list, part...)
	}
	return list
}

// pathsPromises are what issues promise of several brokers.
var pathsPromises = []promise{
	{what: "data stands still when the broker in use is killed", key: killedKey, bound: 1000, atMost: true},
	{what: "the same when it is frozen", key: frozenKey, bound: 5000, atMost: true},
	{what: "the same when the sender's connection passes nothing any more", key: sendersCutKey, bound: 5000, atMost: true},
	{what: "the same when the receiver's does", key: receiversCutKey, bound: 5000, atMost: true},
	{what: "a dial takes longer when the first broker is dead", key: deadDialKey, bound: 50, atMost: true},
	{what: "the same when it is frozen", key: frozenDialKey, bound: 300, atMost: true},
	{what: "a dial of an Endpoint that is connected takes longer when the first broker has just been killed", key: deadWarmDialKey, bound: 50, atMost: true},
	{what: "the same when it has just been frozen", key: frozenWarmDialKey, bound: 300, atMost: true},
	{what: "longest gap while two brokers are restarted in turn", key: restartKey(2), bound: 2000, atMost: true},
	{what: "the same with three", key: restartKey(3), bound: 2000, atMost: true},
	{what: "goodput, three brokers against one", key: goodputKey(3), against: goodputKey(1), bound: 0.97},
	{what: "round trip, three brokers against one", key: roundTripKey(3), against: roundTripKey(1), bound: 1.1, atMost: true},
	{what: "moves a minute without a failure, at full load", key: needlessKey, bound: 1, atMost: true},
	{what: "memory of an idle Conn, three brokers", key: pathsMemoryKey, bound: 10, atMost: true},
	{what: "all of 1,000 Conns go on when their broker is killed", key: manyKey, bound: 3000, atMost: true},
	{what: "data stands still when the node in use of a NATS cluster of three is killed", key: clusterKey, bound: 3000, atMost: true},
}

// about describes what the run ran on.
func (r *pathsRun) about() string {
	return fmt.Sprintf("%s, one process for each broker of an address; %s, %d cores, %s/%s; both ends, as Endpoints of their own, and the brokers on this "+
		"machine; rounds, interleaved: %d; medians of them. Data stands still for the longest time between two reads of the receiver "+
		"from the failure on, in a transfer of %d MB; its direction changes from round to round. Every transfer was checked as above.",
		mosquittoVersion(r.place.program), runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, r.rounds, int(strikeLength/1e6))
}

// writeReport writes the tables for readers.
func (r *pathsRun) writeReport(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.about())
	var figures []figure
	for _, p := range pathsPromises {
		if f, ok := p.judge(r.results); ok {
			figures = append(figures, f)
		}
	}
	writeTable(w, figuresTable(figures))
	fmt.Fprintln(w)
	writeTable(w, valuesTable(r.results))
}

// saveReport writes its section of results.md, and paths.csv, to dir.
func (r *pathsRun) saveReport(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(pathsHeading + "\n\n`go run ./bench -paths` measured this. ")
	r.writeReport(&text)
	if err := saveSection(filepath.Join(dir, resultsFile), text.String()); err != nil {
		return err
	}
	return saveCSV(filepath.Join(dir, "paths.csv"), r.results)
}
