package mux

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// A Session carries streams over one Conn, opened by either end. It is a
// net.Listener for those that the peer opens. It lives as long as its Conn: it
// ends when the Conn fails or the peer closes it, and Close closes the Conn.
type Session struct {
	conn   net.Conn
	frames *frames
	inner  *yamux.Session

	accepted chan *stream  // opened by the peer, not yet returned by Accept; has room for all of slots
	slots    chan struct{} // a token for each stream that the peer opened and that has not ended
	opening  chan struct{} // holds a token while yamux opens a stream, which cannot be cancelled

	close    sync.Once
	drain    sync.Once
	closing  chan struct{} // closed by Close
	draining chan struct{} // closed when no more streams are wanted
	broken   chan struct{} // closed when yamux has given up; cause is set before
	cause    error         // written by acceptStreams only
	done     chan struct{} // closed when everything has ended

	mu      sync.Mutex // guards streams
	streams map[*stream]struct{}
}

var _ net.Listener = (*Session)(nil)

// Client makes a Session of conn, whose other end uses Server. It does no I/O
// itself. The Session owns conn from then on.
func Client(conn net.Conn) (*Session, error) { return newSession(conn, true) }

// Server makes a Session of conn, whose other end uses Client. It does no I/O
// itself. The Session owns conn from then on.
func Server(conn net.Conn) (*Session, error) { return newSession(conn, false) }

func newSession(conn net.Conn, client bool) (*Session, error) {
	if conn == nil {
		return nil, errors.New("mux: there is no connection to make a session of: conn is nil")
	}
	s := &Session{
		conn:     conn,
		frames:   newFrames(conn, client),
		accepted: make(chan *stream, maxStreams),
		slots:    make(chan struct{}, maxStreams),
		opening:  make(chan struct{}, 1),
		closing:  make(chan struct{}),
		draining: make(chan struct{}),
		broken:   make(chan struct{}),
		done:     make(chan struct{}),
		streams:  make(map[*stream]struct{}),
	}
	start := yamux.Server
	if client {
		start = yamux.Client
	}
	var err error
	if s.inner, err = start(s.frames, yamuxConfig()); err != nil {
		return nil, err
	}
	go s.acceptStreams()
	return s, nil
}

// Accept returns the next stream that the peer opened. It fails when the
// session has ended, with net.ErrClosed if that was by Close.
func (s *Session) Accept() (net.Conn, error) {
	if closed(s.closing) || closed(s.draining) {
		return nil, net.ErrClosed
	}
	// What came before the session ended is still worth having.
	select {
	case st := <-s.accepted:
		return st, nil
	default:
	}
	select {
	case st := <-s.accepted:
		return st, nil
	case <-s.closing:
		return nil, net.ErrClosed
	case <-s.draining:
		return nil, net.ErrClosed
	case <-s.broken:
		return nil, s.failure()
	}
}

// Open opens a stream. It does not wait for the peer: a peer that refuses the
// stream resets it, and later calls on it fail.
func (s *Session) Open(ctx context.Context) (net.Conn, error) {
	st, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return st, nil
}

// Addr returns the local address of the Conn.
func (s *Session) Addr() net.Addr { return s.conn.LocalAddr() }

// Done returns a channel that closes when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Close ends the session with all of its streams, and its Conn. What was
// written before, on streams that are closed or not, gets 1 s to reach the Conn,
// and then what the Conn's Close gives it.
func (s *Session) Close() error {
	s.close.Do(func() {
		close(s.closing)
		s.flush()
		s.inner.Close()
	})
	<-s.done
	return nil
}

func (s *Session) flush() {
	timer := time.NewTimer(sessionFlush)
	defer timer.Stop()
	for _, st := range s.snapshot() {
		if !st.sender.flush(timer.C) {
			return
		}
	}
	s.frames.flush(timer.C)
}

// shutdown takes no more streams, in either direction, and ends the session
// when the last one has ended.
func (s *Session) shutdown() {
	s.drain.Do(func() {
		close(s.draining)
		// Fails only if the session has ended.
		s.inner.GoAway()
		s.abandonAccepted()
		s.closeIfEmpty()
	})
}

// failure says why the session ended, or waits until it has.
func (s *Session) failure() error {
	<-s.broken
	if closed(s.closing) {
		return net.ErrClosed
	}
	return s.cause
}

func (s *Session) add(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st] = struct{}{}
}

func (s *Session) remove(st *stream) {
	s.mu.Lock()
	delete(s.streams, st)
	s.mu.Unlock()
	if closed(s.draining) {
		s.closeIfEmpty()
	}
}

func (s *Session) closeIfEmpty() {
	if len(s.snapshot()) == 0 {
		// Not waited for: a Conn may take a second to close.
		go s.Close()
	}
}

func (s *Session) snapshot() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams := make([]*stream, 0, len(s.streams))
	for st := range s.streams {
		streams = append(streams, st)
	}
	return streams
}
