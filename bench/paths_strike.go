package main

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// Keys of how long data stand still.
const (
	killedKey       = "broker killed, data stands still"
	frozenKey       = "broker frozen, data stands still"
	sendersCutKey   = "sender's connection cut without a word, data stands still"
	receiversCutKey = "receiver's connection cut without a word, data stands still"
)

const (
	// strikeLength is how much a transfer moves in which something fails, in bytes; it does after a quarter.
	strikeLength = 500e6

	// afterLength is what the same Conn moves then, in bytes: what a thawed broker still had would be in it.
	afterLength = 64e6

	// stoodStill is how long nothing was read once a transfer stood still, rather than waited for its turn on this machine.
	stoodStill = 300 * time.Millisecond
)

// strike is something that fails under a transfer, and what undoes that once data flows again.
type strike struct {
	fail func() error
	mend func() error // nil: nothing does
}

// strikePlan measures how long data stands still when something fails on the first of two brokers.
func (p *place) strikePlan() []measurement {
	return []measurement{
		p.strikeOnPlace(killedKey, strike{fail: p.kill(0)}),
		p.strikeOnPlace(frozenKey, strike{fail: p.freeze(0), mend: p.thaw(0)}),
		p.strikeOnConnection(sendersCutKey, true),
		p.strikeOnConnection(receiversCutKey, false),
	}
}

// strikeOnPlace measures what happens to a broker.
func (p *place) strikeOnPlace(key string, s strike) measurement {
	return measurement{key, func(ctx context.Context, add func(string, string, float64)) error {
		return p.measureStrike(ctx, key, p.hosts[:2], p.hosts[:2], s, add)
	}}
}

// strikeOnConnection measures what happens to one end's connection to a broker.
func (p *place) strikeOnConnection(key string, sender bool) measurement {
	return measurement{key, func(ctx context.Context, add func(string, string, float64)) error {
		h, err := newHosted(p.hosts[:2])
		if err != nil {
			return err
		}
		defer h.close()
		return p.measureStrike(ctx, key, h.hosts(dialing), h.hosts(listening), strike{fail: h.cut(endOf(sender, p.back()))}, add)
	}}
}

func (p *place) measureStrike(ctx context.Context, key string, dialer, listener []string, s strike, add func(string, string, float64)) error {
	m, err := meet(ctx, dialer, listener)
	if err != nil {
		return err
	}
	defer m.close()
	c, err := m.course(ctx, p.back())
	if err != nil {
		return err
	}
	gap, err := c.strike(s)
	p.say("  %s", c.story())
	if err == nil {
		add(key, millis, inMillis(gap))
	}
	return err
}

func (p *place) kill(number int) func() error {
	return func() error {
		p.brokers[number].stop()
		return nil
	}
}

func (p *place) freeze(number int) func() error {
	return func() error { return freeze(p.brokers[number].process.Process) }
}

func (p *place) thaw(number int) func() error {
	return func() error { return thaw(p.brokers[number].process.Process) }
}

// strike moves strikeLength bytes, lets something fail after a quarter, and returns for how long data stood still. Then it
// checks that the Conn is still of use.
func (c course) strike(s strike) (time.Duration, error) {
	w := newWatched(c.to, strikeLength/4)
	struck := make(chan error, 1)
	begin, flows := w.begin, w.flows
	go func() { struck <- w.strike(s, begin, flows) }()
	_, err := transfer(c.from, w, writeSize, strikeLength)
	w.end()
	if err := errors.Join(err, <-struck); err != nil {
		return 0, err
	}
	if c.moves() == 0 {
		return 0, errors.New("the Conn did not move: what failed was not in use")
	}
	_, err = transfer(c.from, c.to, writeSize, afterLength)
	return w.gap, err
}

// watched notes how long nothing comes. Everything but struck belongs to the reader.
type watched struct {
	net.Conn
	left   int64         // bytes until something fails
	begin  chan struct{} // closed then; nil afterwards
	flows  chan struct{} // closed when data flows again; nil afterwards
	struck atomic.Bool
	last   time.Time // of the last read
	gap    time.Duration
}

func newWatched(conn net.Conn, after int64) *watched {
	return &watched{Conn: conn, left: after, begin: make(chan struct{}), flows: make(chan struct{})}
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	now := time.Now()
	if w.struck.Load() && !w.last.IsZero() {
		w.gap = max(w.gap, now.Sub(w.last))
	}
	w.last = now
	if w.left -= int64(n); w.left <= 0 {
		w.reached(&w.begin)
	}
	if w.gap >= stoodStill {
		w.reached(&w.flows)
	}
	return n, err
}

func (w *watched) reached(what *chan struct{}) {
	if *what != nil {
		close(*what)
		*what = nil
	}
}

// end is when everything has come, or nothing more will.
func (w *watched) end() {
	w.reached(&w.begin)
	w.reached(&w.flows)
}

// strike lets something fail when it is time, and mends it when data flows again.
func (w *watched) strike(s strike, begin, flows <-chan struct{}) error {
	<-begin
	w.struck.Store(true)
	err := s.fail()
	<-flows
	if s.mend != nil {
		err = errors.Join(err, s.mend())
	}
	return err
}
