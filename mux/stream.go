package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// A stream is one stream of a session.
//
// A stream of yamux ignores deadlines and Close while the Conn below stalls, and
// deadlines that have passed while there is data or window. So Read and Write
// never call it: they work on buffers and wait for goroutines that do, which
// run only while there is something to fetch or to send.
type stream struct {
	session  *Session
	inner    *yamux.Stream
	peer     *peerState // owned by session.frames
	release  func()     // called once, when the stream has ended at both ends
	receiver receiver
	sender   sender

	close  sync.Once
	closed chan struct{} // closed by Close
}

var _ net.Conn = (*stream)(nil)

// newStream wraps a stream that yamux opened or accepted.
func newStream(session *Session, inner *yamux.Stream, release func()) *stream {
	s := &stream{
		session: session,
		inner:   inner,
		peer:    session.frames.state(inner.StreamID()),
		release: release,
		closed:  make(chan struct{}),
	}
	s.receiver.init(s)
	s.sender.init(s)
	return s
}

// Read reads what the peer wrote. It returns io.EOF after all of it if the peer
// ended its direction.
func (s *stream) Read(b []byte) (int, error) { return s.receiver.read(b) }

// Write puts b into the send buffer, waiting for room.
func (s *stream) Write(b []byte) (int, error) { return s.sender.write(b) }

// CloseWrite ends this direction: the peer reads io.EOF after what was written.
// The other direction stays open.
func (s *stream) CloseWrite() error {
	if closed(s.closed) {
		return net.ErrClosed
	}
	s.sender.end()
	return nil
}

// Close wakes Read and Write and ends both directions. It does not wait; see
// the package comment for what happens to what is under way.
func (s *stream) Close() error {
	s.close.Do(func() {
		close(s.closed)
		s.SetDeadline(time.Time{})
		s.sender.end()
		go s.finish()
	})
	return nil
}

// Reset ends both directions at once, without delivering what was written. The
// peer's Read fails: it is for a source that broke, whose stream must not seem
// to have ended.
func (s *stream) Reset() error {
	s.reset()
	return s.Close()
}

func (s *stream) LocalAddr() net.Addr  { return s.session.conn.LocalAddr() }
func (s *stream) RemoteAddr() net.Addr { return s.session.conn.RemoteAddr() }

func (s *stream) SetDeadline(t time.Time) error {
	s.receiver.deadline.set(t)
	s.sender.deadline.set(t)
	return nil
}

func (s *stream) SetReadDeadline(t time.Time) error {
	s.receiver.deadline.set(t)
	return nil
}

func (s *stream) SetWriteDeadline(t time.Time) error {
	s.sender.deadline.set(t)
	return nil
}

// take waits for the turn of a Read or Write, which puts a token into turn.
func (s *stream) take(turn chan struct{}, d *deadline) error {
	if err := s.check(d); err != nil {
		return err
	}
	select {
	case turn <- struct{}{}:
		return nil
	case <-d.done():
		return os.ErrDeadlineExceeded
	case <-s.closed:
		return net.ErrClosed
	case <-s.session.closing:
		return net.ErrClosed
	}
}

// await waits until event closes. It fails if the stream is closed or the
// deadline passes first.
func (s *stream) await(event <-chan struct{}, d *deadline) error {
	select {
	case <-event:
		return nil
	case <-d.done():
		return os.ErrDeadlineExceeded
	case <-s.closed:
		return net.ErrClosed
	case <-s.session.closing:
		return net.ErrClosed
	}
}

// check fails if the stream is closed or the deadline has passed. Unlike await
// it does so even if there is something to read, or room to write.
func (s *stream) check(d *deadline) error {
	switch {
	case closed(s.closed), closed(s.session.closing):
		return net.ErrClosed
	case closed(d.done()):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// failure translates an error of yamux's stream.
func (s *stream) failure(op string, err error) error {
	if err == io.EOF && s.peer.finished.Load() {
		return io.EOF
	}
	switch {
	case errors.Is(err, yamux.ErrConnectionReset):
		return opError(op, s, syscall.ECONNRESET)
	case errors.Is(err, yamux.ErrTimeout):
		return net.ErrClosed // only discard sets deadlines
	}
	// yamux returns io.EOF and "stream closed" when its session has ended.
	return opError(op, s, s.session.failure())
}

// gone fails if it is known that what is written will not arrive.
func (s *stream) gone() error {
	switch {
	case s.peer.reset.Load():
		return opError("write", s, syscall.ECONNRESET)
	case closed(s.session.broken):
		return opError("write", s, s.session.failure())
	}
	if err := s.session.frames.writeError(); err != nil {
		return opError("write", s, sessionError(err))
	}
	return nil
}

// answered waits until the peer has accepted the stream.
func (s *stream) answered(ctx context.Context) error {
	select {
	case <-s.peer.answered:
	case <-s.session.broken:
		return s.session.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.peer.reset.Load() {
		return errRefused
	}
	return nil
}
