package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// forgetsAfter is the silence after which an address translation on the way to the broker forgets a connection. The broker itself
// hangs up after 45 s, one and a half of the 30 s of its clients' keep-alive. So what outlasts 50 s outlasts any time.
const forgetsAfter = 40 * time.Second

// idler is a Conn that nobody uses, whose ends reach the broker through an address translation that forgets.
type idler struct {
	*ends
	near, far net.Conn
	since     time.Time
}

func (w way) newIdler(ctx context.Context) (*idler, error) {
	e, err := w.newEnds(ctx, dialForgetful, nil)
	if err != nil {
		return nil, err
	}
	i := &idler{ends: e}
	if i.near, i.far, err = e.connect(ctx); err != nil {
		e.close()
		return nil, err
	}
	go io.Copy(i.far, i.far)
	i.since = time.Now()
	return i, nil
}

// idleness waits for the rest of the time and checks that the Conn is there and that its connections to the broker held.
func (t *trial) idleness(ctx context.Context) error {
	select {
	case <-time.After(time.Until(t.idler.since.Add(t.sizes.idle))):
	case <-ctx.Done():
		return ctx.Err()
	}
	var err error
	if t.figures.idle, err = roundTrip(t.idler.near); err != nil {
		return err
	}
	for _, conn := range []net.Conn{t.idler.near, t.idler.far} {
		if n := reconnects(conn); n > 0 {
			return fmt.Errorf("a connection to the broker was lost %d times", n)
		}
	}
	return nil
}

// dialForgetful connects through such an address translation.
func dialForgetful(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &forgetful{Conn: conn, last: time.Now()}, nil
}

// forgetful is a connection that says nothing any more, either way, once it was silent for too long.
type forgetful struct {
	net.Conn

	mu   sync.Mutex // guards last
	last time.Time
}

// passes takes note of a packet and reports whether it passes.
func (f *forgetful) passes() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.last) >= forgetsAfter {
		return false
	}
	f.last = now
	return true
}

func (f *forgetful) Write(p []byte) (int, error) {
	if !f.passes() {
		return len(p), nil
	}
	return f.Conn.Write(p)
}

func (f *forgetful) Read(p []byte) (int, error) {
	for {
		n, err := f.Conn.Read(p)
		if f.passes() || err != nil && n == 0 {
			return n, err
		}
	}
}
