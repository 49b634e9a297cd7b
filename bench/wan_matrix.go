package main

import (
	"fmt"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// matrixPromise is what a row that compares a Conn with TCP straight promises.
type matrixPromise struct {
	goodput float64 // at least this share of TCP's
	echo    float64 // at most so many milliseconds more than TCP's; 0: nothing is promised
}

var (
	wanRates  = []float64{1, 5, 10, 20, 50, 100, 200} // Mbit/s
	wanDelays = []time.Duration{5 * time.Millisecond, 25 * time.Millisecond, 75 * time.Millisecond, 150 * time.Millisecond}
)

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
			rows = append(rows, withoutEcho(bulkRow(fmt.Sprintf("%s, %g %% loss", name, loss*100), l, l, 0.90)))
		}
		l.Jitter = 10 * time.Millisecond
		rows = append(rows, withoutEcho(bulkRow(name+", jitter 10 ms", l, l, 0.85)))
	}
	return rows
}

// withoutEcho takes the promise of an echo off a row: where TCP repeats what is lost, a message waits for the ones before it
// on two connections in a row.
func withoutEcho(row *wanRow) *wanRow {
	row.matrix.echo = 0
	return row
}

// bulkRow compares a Conn that carries as much as it can, and an echo beside it, with the same over TCP.
func bulkRow(name string, a, b wan.Link, goodput float64) *wanRow {
	p := &matrixPromise{goodput: goodput, echo: 30}
	if min(a.Rate, b.Rate) <= 1 {
		p.echo = 120
	}
	return &wanRow{name: name, a: a, b: b, matrix: p, run: func(t *bed, m *wanRound) error { return compare(t, m, name) }}
}

// Keys of a row's results, behind its name.
const (
	tcpKey      = ", TCP straight"
	connKey     = ", Conn"
	tcpEchoKey  = ", echo beside TCP"
	connEchoKey = ", echo beside the Conn"
)

func compare(t *bed, m *wanRound, name string) error {
	if err := t.bulkAndEcho(m, name, straight(), tcpKey, tcpEchoKey); err != nil {
		return fmt.Errorf("TCP straight: %w", err)
	}
	t.settle()
	return t.bulkAndEcho(m, name, throughBroker("conn"), connKey, connEchoKey)
}

// echoPause is between two round trips: a fast typist.
const echoPause = 50 * time.Millisecond

// bulkAndEcho measures one bulk stream with an echo beside it.
func (t *bed) bulkAndEcho(m *wanRound, name string, p pair, key, echoKey string) error {
	p.near.Pause = echoPause
	o, err := t.measure(p, 1, true, m.length)
	if err != nil {
		return err
	}
	m.add(name+key, megabytes, o.goodput(0))
	m.add(name+echoKey, millis, o.echo())
	return nil
}
