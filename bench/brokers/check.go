package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// sizes say how much the checks move.
type sizes struct {
	both    int64         // bytes each way at once
	one     int64         // bytes one way
	conns   int           // at once
	pause   time.Duration // of a reader
	echoes  int
	idle    time.Duration // without a byte of the application's
	outage  int64         // bytes of the transfer under an outage, which strikes after a quarter
	measure bool          // whether figures are wanted, for which there is no check
}

var (
	full  = sizes{both: 64 << 20, one: 256 << 20, conns: 100, pause: 5 * time.Second, echoes: 2000, idle: 50 * time.Second, outage: 256 << 20, measure: true}
	short = sizes{both: 8 << 20, conns: 25, pause: time.Second, idle: 50 * time.Second, outage: 64 << 20}
)

// figures are what was measured on a way.
type figures struct {
	oneWay      float64 // MB/s
	median, p99 time.Duration
	beside      time.Duration // the 99th percentile beside a transfer
	conns       time.Duration // until all echoes were there
	idle        time.Duration // the first round trip after idleness
	still       time.Duration // how long nothing came after the broker was killed
	late        time.Duration // for how much of that it listened again
}

// trial is a way with what the checks know of it.
type trial struct {
	name string // of the broker, with its version, and of the way
	way
	*broker
	sizes
	figures
	idler  *idler
	failed []string // checks
}

// check is one of the checks.
type check struct {
	name string
	run  func(t *trial, ctx context.Context) error
}

// The checks of all trials come before any waits for idleness, and those before outages, which end what was idle.
var (
	checks = []check{
		{"nettest", (*trial).netTest},
		{"both ways at once", (*trial).bothWays},
		{"many Conns at once", (*trial).manyConns},
		{"a reader that pauses", (*trial).pausingReader},
		{"rates", (*trial).rates},
	}
	idlenesses = []check{{"idleness", (*trial).idleness}}
	outages    = []check{{"outage", (*trial).strike}}
)

// newTrial waits until messages pass on a way and leaves a Conn of it alone, which the check of idleness asks for later.
func newTrial(ctx context.Context, k kind, b *broker, w way, s sizes) (*trial, error) {
	t := &trial{name: strings.TrimSpace(k.name + " " + b.version), way: w, broker: b, sizes: s}
	if w.name != "" {
		t.name += ", " + w.name
	}
	err := w.ready(ctx)
	if err == nil {
		t.idler, err = w.newIdler(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.name, err)
	}
	return t, nil
}

func (t *trial) close() { t.idler.close() }
