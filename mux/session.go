package mux

import (
	"context"
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/hashicorp/yamux"

	"github.com/mqtt-e2e/mqtte2e"
)

// A Session carries streams over one Conn, opened by either end. It is a
// net.Listener for those that the peer opens. It lives as long as its Conn: it
// ends when the Conn fails or the peer closes it, and Close closes the Conn.
type Session struct {
	conn   net.Conn
	frames *frames
	inner  *yamux.Session

	accepted chan *stream  // opened by the peer, not yet returned by Accept; has room for all of slots; closed after broken
	slots    chan struct{} // a token for each stream that the peer opened and that has not ended
	open     atomic.Int32  // streams that were opened or accepted and have not ended

	bounds bounds
	idle   *time.Timer // ends the session; runs while there is no stream

	draining atomic.Bool   // no more streams are wanted
	closing  atomic.Bool   // Close was called
	broken   chan struct{} // closed when yamux has given up; cause is set before
	cause    error         // written by acceptStreams only
	done     chan struct{} // closed when everything has ended
}

var _ net.Listener = (*Session)(nil)

// Client makes a Session of conn, whose other end uses Server. It does no I/O
// itself. The Session owns conn from then on.
func Client(conn net.Conn) (*Session, error) { return unlimited(conn, true) }

// Server makes a Session of conn, whose other end uses Client. It does no I/O
// itself. The Session owns conn from then on.
func Server(conn net.Conn) (*Session, error) { return unlimited(conn, false) }

// unlimited makes a session whose peer shares its bounds with nobody.
func unlimited(conn net.Conn, client bool) (*Session, error) {
	if conn == nil {
		return nil, errNoConn
	}
	return newSession(conn, client, bounds{windows: newQuota(windowBudget).of(mqtte2e.Key{}), patience: math.MaxInt64}), nil
}

func newSession(conn net.Conn, client bool, bounds bounds) *Session {
	s := &Session{
		conn:     conn,
		frames:   newFrames(conn, client, bounds.streams, bounds.windows),
		accepted: make(chan *stream, maxStreams),
		slots:    make(chan struct{}, maxStreams),
		bounds:   bounds,
		broken:   make(chan struct{}),
		done:     make(chan struct{}),
	}
	start := yamux.Server
	if client {
		start = yamux.Client
	}
	var err error
	if s.inner, err = start(s.frames, yamuxConfig()); err != nil {
		panic("BUG: mux: " + err.Error())
	}
	s.idle = time.AfterFunc(bounds.patience, s.endIdle)
	go s.acceptStreams()
	return s
}

// Accept returns the next stream that the peer opened. It fails when the
// session has ended, with net.ErrClosed if that was by Close.
func (s *Session) Accept() (net.Conn, error) {
	st, ok := <-s.accepted // what came before the session ended, too
	if !ok || s.closing.Load() {
		return nil, s.failure()
	}
	return st, nil
}

// acceptStreams takes the streams that the peer opens from yamux as soon as
// they come, so that the peer's Open does not depend on how fast Accept is
// called, and sees the session off when yamux gives up.
func (s *Session) acceptStreams() {
	defer close(s.done)
	for {
		inner, err := s.nextStream()
		if err != nil {
			s.cause = sessionError(err)
			break
		}
		s.accepted <- s.adopt(inner) // has room for all that slots let in
	}
	close(s.broken)
	close(s.accepted)
	s.inner.Close()
	s.frames.running.Wait()
	s.idle.Stop()
	s.frames.dropUnseen()
	s.bounds.sessions.give(1)
}

// nextStream waits for a slot and for a stream. Its error says why the session
// ended.
func (s *Session) nextStream() (*yamux.Stream, error) {
	select {
	case s.slots <- struct{}{}:
	case <-s.inner.CloseChan():
	}
	// A peer that opens streams and does not read gets none accepted.
	s.frames.room(outHard, func() error { return nil })
	inner, err := s.inner.AcceptStream()
	// yamux says that it is shut down, and not why, for each stream that waits
	// and cannot be accepted any more.
	for range backlog {
		if err != yamux.ErrSessionShutdown {
			break
		}
		inner, err = s.inner.AcceptStream()
	}
	return inner, err
}

// adopt completes the state of a stream that yamux has opened or accepted; nil: the
// session has ended meanwhile.
func (s *Session) adopt(inner *yamux.Stream) *stream {
	s.frames.mu.Lock()
	defer s.frames.mu.Unlock()
	st := s.frames.streams[inner.StreamID()]
	if st == nil {
		return nil
	}
	st.session, st.inner, st.counted = s, inner, true
	s.open.Add(1)
	s.idle.Stop()
	return st
}

// Open opens a stream. It does not wait for the peer: a peer that refuses the
// stream resets it, and later calls on it fail.
func (s *Session) Open(ctx context.Context) (net.Conn, error) {
	st, err := s.openStream(ctx)
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (s *Session) openStream(ctx context.Context) (*stream, error) {
	if !s.bounds.streams.take(1) {
		return nil, errTooManyStreams
	}
	st, err := s.openCounted(ctx)
	if err != nil {
		s.bounds.streams.give(1)
	}
	return st, err
}

func (s *Session) openCounted(ctx context.Context) (*stream, error) {
	switch {
	case s.closing.Load(), s.draining.Load():
		return nil, net.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	// yamux would wait for the same, but not heed the context.
	select {
	case s.frames.unanswered <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.broken:
		return nil, s.failure()
	}
	switch inner, err := s.inner.OpenStream(); err {
	case nil:
		if st := s.adopt(inner); st != nil {
			return st, nil
		}
		return nil, s.failure()
	case yamux.ErrRemoteGoAway, yamux.ErrStreamsExhausted:
		<-s.frames.unanswered
		return nil, errNotAccepting
	default:
		return nil, s.failure()
	}
}

// openAnswered opens a stream and waits until the peer has accepted it.
func (s *Session) openAnswered(ctx context.Context) (*stream, error) {
	st, err := s.openStream(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-st.answered:
		if err = st.refused(); err == nil {
			return st, nil
		}
	case <-s.broken:
		err = s.failure()
	case <-ctx.Done():
		err = ctx.Err()
	}
	st.Reset()
	return nil, err
}

// remove notes that a stream has ended at both ends.
func (s *Session) remove(st *stream) {
	s.frames.remove(st)
	if st.inbound() {
		<-s.slots
	}
	if s.open.Add(-1) == 0 {
		s.idle.Reset(s.bounds.patience)
	}
	s.closeIfEmpty()
}

// endIdle ends the session, unless a stream came as the time was over.
func (s *Session) endIdle() {
	if s.open.Load() == 0 {
		s.shutdown()
	}
}

// shutdown opens no more streams, lets yamux refuse those of the peer, and ends
// the session when the last one has ended.
func (s *Session) shutdown() {
	s.draining.Store(true)
	s.inner.GoAway() // fails only if the session has ended
	s.closeIfEmpty()
}

func (s *Session) closeIfEmpty() {
	if s.draining.Load() && s.open.Load() == 0 {
		// Not waited for: a Conn may take a second to close.
		go s.Close()
	}
}

// failure says why the session ended, or waits until it has.
func (s *Session) failure() error {
	<-s.broken
	if s.closing.Load() {
		return net.ErrClosed
	}
	return s.cause
}

// Addr returns the local address of the Conn.
func (s *Session) Addr() net.Addr { return s.conn.LocalAddr() }

// Done returns a channel that closes when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Close ends the session with all of its streams, and its Conn. What was
// written before, on streams that are closed or not, gets 1 s to reach the Conn,
// and then what the Conn's Close gives it.
func (s *Session) Close() error {
	s.closing.Store(true)
	s.frames.end()
	s.inner.Close()
	<-s.done
	for st := range s.accepted { // those that nobody accepts any more
		st.Close()
	}
	return nil
}

// closed reports whether a channel that is never sent on is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
