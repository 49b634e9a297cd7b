package mux

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
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

	mu      sync.Mutex       // guards the rest
	peers   map[string]*peer // by name, all that were ever dialled
	life    context.Context
	end     context.CancelFunc // ends life: Close was called
	running sync.WaitGroup     // sessions that have not ended, those that were replaced too
}

// A peer is a listener that was dialled.
type peer struct {
	turn    chan struct{} // a token, for whoever looks for a session; others wait, with contexts of their own
	session *Session      // the last one; nil before the first; owned by who has the turn
}

// dialTimeout is how long a DialContext without a deadline tries: as long as
// Endpoint.Dial.
const dialTimeout = 30 * time.Second

// maxTries is how many sessions one DialContext tries: one whose peer has gone
// without our knowing, one that another DialContext dialled then, and a fresh
// one.
const maxTries = 3

// DialContext opens a stream to the listener that addr names, and returns
// when the listener's session has accepted it. The network is tcp, tcp4 or
// tcp6; addr is a name, or name:port, whose port is ignored.
//
// If the session ends before that, as it does when the listener turns out to
// have been restarted, DialContext goes on with a new one. The context bounds
// the call only; without a deadline it gives up after 30 s.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	name, err := address.DialName(network, addr)
	if err != nil {
		return nil, fmt.Errorf("mux: %w", err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialTimeout)
		defer cancel()
	}
	for tries := 1; ; tries++ {
		session, err := d.session(ctx, name)
		if err != nil {
			return nil, err
		}
		st, err := session.openAnswered(ctx)
		switch {
		case err == nil:
			return st, nil
		case ctx.Err() != nil:
			return nil, dialError(name, &answerError{name, ctx.Err()})
		case errors.Is(err, errRefused), errors.Is(err, errFull), tries == maxTries:
			return nil, dialError(name, err)
		}
		// It opens no more streams; those that are open are not disturbed.
		session.shutdown()
	}
}

// session returns the current session with a listener, or dials one.
func (d *Dialer) session(ctx context.Context, name string) (*Session, error) {
	p, life := d.peer(name)
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, dialError(name, &answerError{name, ctx.Err()})
	}
	if s := p.session; s != nil && !closed(s.broken) && !s.draining.Load() {
		return s, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	s, err := d.dial(ctx, name)
	if err == nil && !d.add(s) {
		s.Close()
	}
	if life.Err() != nil {
		return nil, dialError(name, net.ErrClosed)
	}
	p.session = s
	return s, err
}

func (d *Dialer) peer(name string) (*peer, context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begin()
	p := d.peers[name]
	if p == nil {
		p = &peer{turn: make(chan struct{}, 1)}
		d.peers[name] = p
	}
	return p, d.life
}

// begin makes a zero Dialer usable. d.mu is held.
func (d *Dialer) begin() {
	if d.life == nil {
		d.life, d.end = context.WithCancel(context.Background())
		d.peers = make(map[string]*peer)
	}
}

func (d *Dialer) dial(ctx context.Context, name string) (*Session, error) {
	connect := d.connect
	if connect == nil {
		connect = d.dialEndpoint
	}
	conn, err := connect(ctx, name)
	if err != nil {
		return nil, err
	}
	return Client(conn)
}

func (d *Dialer) dialEndpoint(ctx context.Context, name string) (net.Conn, error) {
	if d.Endpoint == nil {
		return nil, errors.New("mux: Dialer.Endpoint is nil: set it")
	}
	// Not returned at once, since a nil *Conn is not a nil net.Conn.
	conn, err := d.Endpoint.Dial(ctx, name, Protocol)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// add keeps a session until it ends. It returns false after Close.
func (d *Dialer) add(s *Session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life.Err() != nil {
		return false
	}
	d.running.Go(func() { d.keep(s) })
	return true
}

// keep resets what the peer opens, until the session ends.
func (d *Dialer) keep(s *Session) {
	defer context.AfterFunc(d.life, func() { s.Close() })()
	for conn, err := s.Accept(); err == nil; conn, err = s.Accept() {
		conn.(*stream).Reset()
	}
	<-s.Done()
}

// Close ends all sessions, with their streams, and dials that are under way.
func (d *Dialer) Close() error {
	d.mu.Lock()
	d.begin()
	d.end()
	d.mu.Unlock()
	d.running.Wait()
	return nil
}
