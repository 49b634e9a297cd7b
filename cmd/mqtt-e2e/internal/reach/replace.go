package reach

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/relay"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
)

// suspectAfter is how long a request may go unanswered before we ask whether
// the listener is there, and then how long it has to say so. A Conn needs 9 s to
// find out that the listener was restarted.
const suspectAfter = 2 * time.Second

// suspect is called when a request of the session has gone unanswered for a
// while. If the listener does not say that it lives, a new session is dialled;
// if that works, requests that wait try again on it. The old one is not closed
// before its last stream has ended: it may only be slow.
func (c *Client) suspect(s *session) {
	if !s.suspected.TryLock() {
		return
	}
	defer s.suspected.Unlock()
	if s.isAlive() {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, attemptTimeout)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return
	}
	if current, _ := c.alive(); current != s {
		return
	}
	conn, err := c.endpoint.Dial(ctx, c.name, tunnel.Protocol)
	if err != nil {
		c.logger.Debug("the listener does not answer on its session, nor otherwise", "error", err)
		return
	}
	if _, err := c.start(conn); err == nil {
		c.logger.Debug("the listener does not answer on its session; going on with a new one")
		s.retire()
	}
}

// isAlive asks the listener.
func (s *session) isAlive() bool {
	ctx, cancel := context.WithTimeout(s.ctx, suspectAfter)
	defer cancel()
	stream, err := s.openRaw(ctx, tunnel.Request{Kind: tunnel.Alive})
	if err != nil {
		return false
	}
	stream.Close()
	return true
}

// use is how many streams a session has, and whether it may have more.
type use struct {
	mu       sync.Mutex // guards streams and the closing of retired
	streams  int
	retired  chan struct{} // closed when another session has taken the place of this one
	whenIdle func()        // closes the session
}

// retire lets the session end with its last stream.
func (u *use) retire() {
	u.mu.Lock()
	close(u.retired)
	idle := u.streams == 0
	u.mu.Unlock()
	if idle {
		u.whenIdle()
	}
}

func (u *use) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.streams++
}

func (u *use) end() {
	u.mu.Lock()
	u.streams--
	idle := u.streams == 0 && u.isRetired()
	u.mu.Unlock()
	if idle {
		go u.whenIdle() // takes up to 2 s
	}
}

func (u *use) isRetired() bool {
	select {
	case <-u.retired:
		return true
	default:
		return false
	}
}

// A stream counts as a use of its session until it is closed.
type stream struct {
	net.Conn
	below *mqtte2e.Conn
	end   func()
}

// Stats returns those of the Conn that carries the stream.
func (s *stream) Stats() mqtte2e.Stats { return s.below.Stats() }

// Close implements net.Conn.
func (s *stream) Close() error {
	s.end()
	return s.Conn.Close()
}

// CloseWrite ends the direction to the listener.
func (s *stream) CloseWrite() error { return relay.CloseWrite(s.Conn) }

// Reset ends both directions, as a failure where that can be said.
func (s *stream) Reset() error {
	s.end()
	relay.Abort(s.Conn)
	return nil
}
