// Package client is the side that dials: it opens streams to the targets behind
// one listener, whatever of "mqtt-e2e/1", "mux" and plain streams the listener
// speaks, over a session that is replaced when it ends; joins connections to ports
// of this machine with such streams; and keeps ports open at the listener.
package client

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// Default asks for the target that the listener has for streams that name none.
// It is all that listeners which do not speak mqtt-e2e/1 have.
var Default = tunnel.Request{Kind: tunnel.Service}

// maxAttempts is how many sessions one Open tries. The first may be one whose
// peer was restarted and that does not know yet, the second one that ends just
// as it is used.
const maxAttempts = 3

// A Client opens streams to one listener. It is safe for concurrent use.
type Client struct {
	endpoint *mqtte2e.Endpoint // the caller's to close
	name     string
	remotes  []target.Remote // opened at the listener in every session
	where    ui.Place        // for errors
	logger   *slog.Logger
	plainMux mux.Dialer // for listeners that speak mux and not mqtt-e2e/1

	turn chan struct{} // holds a token while a session is dialled

	mu      sync.Mutex    // guards the rest
	current *session      // nil: none yet
	conn    *mqtte2e.Conn // dialled last; nil: package mux has it
	isMux   bool          // the listener speaks mux and not mqtt-e2e/1
	closed  bool
}

// New returns a Client of the listener under name. It does no I/O. remotes are
// opened at the listener whenever there is a session.
func New(endpoint *mqtte2e.Endpoint, name string, remotes []target.Remote, logger *slog.Logger) *Client {
	return &Client{
		endpoint: endpoint,
		name:     name,
		remotes:  remotes,
		where:    ui.PlaceOf(endpoint, name),
		logger:   logger,
		plainMux: mux.Dialer{Endpoint: endpoint},
		turn:     make(chan struct{}, 1),
	}
}

// Open opens a stream to what request names and returns when the listener has
// reached it. Its error is a *tunnel.Error if the listener says that it did
// not. A session that ends before that is replaced.
func (c *Client) Open(ctx context.Context, request tunnel.Request) (net.Conn, error) {
	var err error
	for range maxAttempts {
		var stream net.Conn
		stream, err = c.try(ctx, request)
		if err == nil {
			return stream, nil
		}
		var ended *endedError
		if !errors.As(err, &ended) || ctx.Err() != nil {
			break
		}
	}
	return nil, c.Explain(err)
}

// Explain returns an error of a stream or of this package in the words of the
// command.
func (c *Client) Explain(err error) error { return c.where.Explain(err) }

// Waits says what an Open that takes long waits for.
func (c *Client) Waits() string {
	if s, _ := c.alive(); s != nil {
		return "the listener is reached and has not answered the request yet: its target may be slow"
	}
	return c.where.Waits(c.endpoint.Connected())
}

func (c *Client) try(ctx context.Context, request tunnel.Request) (net.Conn, error) {
	if request == Default && c.speaksMux() {
		return c.openMux(ctx)
	}
	s, plain, err := c.session(ctx, protocols(request))
	switch {
	case err != nil:
		return nil, err
	case plain != nil:
		return plain, nil
	case s == nil:
		return c.openMux(ctx)
	}
	return s.open(ctx, request)
}

// protocols lists what may serve request.
func protocols(request tunnel.Request) []string {
	if request == Default {
		return []string{tunnel.Protocol, tunnel.MuxProtocol, ""}
	}
	return []string{tunnel.Protocol}
}

func (c *Client) speaksMux() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isMux
}

func (c *Client) setMux(isMux bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isMux = isMux
}

// openMux opens a stream of a listener that speaks mux.
func (c *Client) openMux(ctx context.Context) (net.Conn, error) {
	stream, err := c.plainMux.DialContext(ctx, "tcp", c.name+":0")
	if errors.Is(err, mqtte2e.ErrRefused) {
		// It may have been replaced by one of another kind: ask again next time.
		c.setMux(false)
	}
	return stream, err
}

// session returns the session in use, or makes one of the first of protocols
// that the listener has. Without session and plain Conn the listener speaks mux.
func (c *Client) session(ctx context.Context, protocols []string) (*session, net.Conn, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if s, err := c.alive(); s != nil || err != nil {
		return s, nil, err
	}
	conn, err := c.endpoint.Dial(ctx, c.name, protocols...)
	if err != nil {
		return nil, nil, Setup(err)
	}
	switch conn.Protocol() {
	case tunnel.Protocol:
		s, err := newSession(conn, c.remotes, c.logger)
		if err != nil {
			return nil, nil, err
		}
		return s, nil, c.use(conn, s)
	case tunnel.MuxProtocol:
		// The Dialer of package mux has the same need to replace sessions, and
		// keeps its own.
		conn.Close()
		c.setMux(true)
		return nil, nil, nil
	}
	return nil, conn, c.use(conn, nil)
}

// alive returns the session in use if it has not ended.
func (c *Client) alive() (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	if c.current == nil || c.current.isDone() {
		return nil, nil
	}
	return c.current, nil
}

// use keeps what was dialled: a Conn, and the session over it unless it is a
// plain stream.
func (c *Client) use(conn *mqtte2e.Conn, s *session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		go conn.Close() // takes up to a second
		return net.ErrClosed
	}
	c.conn, c.current = conn, s
	return nil
}

// Conn returns the Conn that was dialled last, nil if package mux has it.
func (c *Client) Conn() *mqtte2e.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

// Close ends the sessions and their streams. What was written gets up to 2 s
// to leave.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	s := c.current
	c.mu.Unlock()
	c.plainMux.Close()
	if s != nil {
		s.mux.Close()
	}
}
