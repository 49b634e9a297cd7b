package mux

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// A Dialer opens streams to listeners by name. It keeps one Session for each
// name, dialled when it is first needed and replaced when it has ended. Set
// Endpoint, and do not copy a Dialer after first use. It is safe for concurrent
// use. Streams that listeners open towards a Dialer are refused.
type Dialer struct {
	// Endpoint makes the connections. It is required, and stays the caller's
	// to close.
	Endpoint *mqtte2e.Endpoint

	connect func(ctx context.Context, name string) (net.Conn, error) // nil means Endpoint.Dial; tests set it

	mu       sync.Mutex            // guards the rest
	closed   bool                  // Close was called
	current  map[string]*attempt   // by name, what DialContext uses; it has not failed
	attempts map[*attempt]struct{} // all that have not ended, those that were replaced too
	running  sync.WaitGroup        // one for each of attempts
}

// dialTimeout is how long a DialContext without a deadline tries: as long as
// Endpoint.Dial.
const dialTimeout = 30 * time.Second

// maxTries is how many sessions one DialContext tries: one whose peer has gone
// without our knowing, one that another DialContext began and gave up, and a
// fresh one.
const maxTries = 3

// DialContext opens a stream to the listener that address names, and returns
// when the listener's session has accepted it. The network is tcp, tcp4 or
// tcp6; the address is a name, or name:port, whose port is ignored.
//
// If the session ends before that, as it does when the listener turns out to
// have been restarted, DialContext goes on with a new one. The context bounds
// the call only; without a deadline it gives up after 30 s.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	name, err := parseName(network, address)
	if err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialTimeout)
		defer cancel()
	}
	for tries := 1; ; tries++ {
		st, again, err := d.try(ctx, name)
		if err == nil {
			return st, nil
		}
		if !again || tries == maxTries || expired(ctx) {
			return nil, err
		}
	}
}

// expired reports whether ctx has ended. The dial may have noticed the deadline
// a moment before ctx does.
func expired(ctx context.Context) bool {
	deadline, _ := ctx.Deadline()
	return ctx.Err() != nil || !time.Now().Before(deadline)
}

// try opens a stream on the current session. If that fails, again says whether
// another session may do better.
func (d *Dialer) try(ctx context.Context, name string) (st *stream, again bool, err error) {
	a, err := d.join(ctx, name)
	if err != nil {
		return nil, false, err
	}
	if again, err = d.wait(ctx, a); err != nil {
		return nil, again, err
	}
	st, err = a.session.openAnswered(ctx)
	switch {
	case err == nil:
		return st, false, nil
	case ctx.Err() != nil:
		return nil, false, noAnswer(name, ctx.Err())
	case errors.Is(err, errRefused):
		return nil, false, dialError(name, err)
	}
	d.replace(a)
	return nil, true, dialError(name, err)
}

// Close ends all sessions, with their streams, and dials that are under way.
func (d *Dialer) Close() error {
	d.mu.Lock()
	d.closed = true
	for a := range d.attempts {
		a.cancel()
		if a.session != nil {
			// Not waited for here, since each may take a second.
			go a.session.Close()
		}
	}
	d.mu.Unlock()
	d.running.Wait()
	return nil
}

// parseName returns the name in what net.Dialer calls network and address. The
// Endpoint checks it.
func parseName(network, address string) (string, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return "", fmt.Errorf("mux: the network %q cannot be dialled: use tcp", network)
	}
	if !strings.Contains(address, ":") {
		return strings.ToLower(address), nil
	}
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("mux: %q is neither a name nor name:port", address)
	}
	return strings.ToLower(name), nil
}
