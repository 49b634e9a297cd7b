package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// wanQueue is what a link's queue holds.
const wanQueue = 200 * time.Millisecond

// wanRow is one row of the matrix: the links, what is measured over them, and what is promised of it.
type wanRow struct {
	name string
	a, b wan.Link
	run  func(r *wanRow, t *bed, m *wanRound) error

	goodput float64       // at least this share of TCP's
	echo    time.Duration // at most this much more than TCP's; 0: nothing is promised
}

// wanRound is where a row's run puts what it measured, and how long it measures.
type wanRound struct {
	length time.Duration
	add    func(key, unit string, value float64)
}

// rate is the slower link's, in Mbit/s: what a row moves at most.
func (r *wanRow) rate() float64 { return math.Min(r.a.Rate, r.b.Rate) }

func link(rate float64, delay time.Duration) wan.Link {
	return wan.Link{Rate: rate, Delay: delay, Queue: wanQueue}
}

var (
	wanRates  = []float64{1, 5, 10, 20, 50, 100, 200} // Mbit/s
	wanDelays = []time.Duration{5 * time.Millisecond, 25 * time.Millisecond, 75 * time.Millisecond, 150 * time.Millisecond}
)

// wanRows are all, in the order of the report.
func wanRows() []*wanRow {
	var rows []*wanRow
	rows = append(rows, evenRows()...)
	rows = append(rows, unevenRows()...)
	return append(rows, roughRows()...)
}

// evenRows have two equal links.
func evenRows() (rows []*wanRow) {
	for _, rate := range wanRates {
		for _, delay := range wanDelays {
			bound := 0.90
			if rate >= 50 && delay >= 150*time.Millisecond {
				bound = 0.75
			}
			rows = append(rows, bulkRow(evenName(rate, delay), link(rate, delay), link(rate, delay), bound))
		}
	}
	return rows
}

func evenName(rate float64, delay time.Duration) string {
	return fmt.Sprintf("%g Mbit/s, %d ms", rate, delay.Milliseconds())
}

// unevenRows have a link ten times slower than the other, at the sender or at the receiver.
func unevenRows() (rows []*wanRow) {
	for _, rate := range wanRates {
		for _, delay := range wanDelays {
			fast, slow := link(rate, delay), link(rate/10, delay)
			rows = append(rows,
				bulkRow(fmt.Sprintf("%g, then %g Mbit/s, %d ms", slow.Rate, fast.Rate, delay.Milliseconds()), slow, fast, 0.85),
				bulkRow(fmt.Sprintf("%g, then %g Mbit/s, %d ms", fast.Rate, slow.Rate, delay.Milliseconds()), fast, slow, 0.85))
		}
	}
	return rows
}

// roughRows have losses or jitter on both links.
func roughRows() (rows []*wanRow) {
	for _, rate := range []float64{10, 50} {
		l := link(rate, 25*time.Millisecond)
		name := evenName(rate, l.Delay)
		for _, loss := range []float64{0.001, 0.01, 0.03} {
			l := l
			l.Loss = loss
			rows = append(rows, bulkRow(fmt.Sprintf("%s, %g %% loss", name, loss*100), l, l, 0.90))
		}
		l.Jitter = 10 * time.Millisecond
		row := bulkRow(name+", jitter 10 ms", l, l, 0.85)
		row.echo = 0
		rows = append(rows, row)
	}
	return rows
}

// bulkRow compares a Conn that carries as much as it can, and an echo beside it, with the same over TCP.
func bulkRow(name string, a, b wan.Link, goodput float64) *wanRow {
	r := &wanRow{name: name, a: a, b: b, run: (*wanRow).compare, goodput: goodput, echo: 30 * time.Millisecond}
	if r.rate() <= 1 {
		r.echo = 120 * time.Millisecond
	}
	return r
}

// Keys of a row's results, behind its name.
const (
	tcpKey      = ", TCP straight"
	connKey     = ", Conn"
	tcpEchoKey  = ", echo beside TCP"
	connEchoKey = ", echo beside the Conn"
)

func (r *wanRow) compare(t *bed, m *wanRound) error {
	if err := r.bulkAndEcho(t, m, straight(), tcpKey, tcpEchoKey); err != nil {
		return fmt.Errorf("TCP straight: %w", err)
	}
	t.settle()
	return r.bulkAndEcho(t, m, throughBroker("conn"), connKey, connEchoKey)
}

// bulkAndEcho measures one bulk stream with an echo beside it.
func (r *wanRow) bulkAndEcho(t *bed, m *wanRound, p pair, key, echoKey string) error {
	o, err := t.measure(p, 1, true, m.length)
	if err != nil {
		return err
	}
	echo, err := o.echo()
	if err != nil {
		return err
	}
	m.add(r.name+key, megabytes, o.goodput(0))
	m.add(r.name+echoKey, millis, echo)
	return nil
}

// once runs the row in a network of its own.
func (r *wanRow) once(ctx context.Context, m *wanRound) error {
	t, err := newBed(ctx, r.a, r.b)
	if err != nil {
		return err
	}
	defer t.close()
	return r.run(r, t, m)
}
