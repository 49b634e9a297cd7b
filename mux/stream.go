package mux

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// A stream is one stream of a session. Since frames never makes yamux wait,
// what blocks in yamux heeds deadlines. What yamux lacks is here: deadlines
// that passed while there is data, Close for both directions, and one Read at a
// time, since two deadlock when the stream ends (they take yamux's locks in
// different orders).
type stream struct {
	frames   *frames
	id       uint32
	session  *Session      // set with inner
	inner    *yamux.Stream // set when yamux has opened or accepted the stream, before anybody else gets it
	answered chan struct{} // closed when the peer has accepted or reset a stream of ours

	reading  sync.Mutex // held by a Read
	unshrunk int        // bytes read since yamux's buffer was last given back; guarded by reading
	writing  sync.Mutex // held by a Write

	// The mutex of frames guards the rest.
	flow       flow
	counted    bool      // it has a place in the quota
	finished   bool      // the peer has sent its last byte
	reset      bool      // the peer reset the stream
	ended      bool      // nothing more is to be written
	closed     bool      // Close was called
	readBy     time.Time // deadline of Read
	writeBy    time.Time // deadline of Write
	writeTimer *time.Timer
}

var _ net.Conn = (*stream)(nil)

// inbound reports whether the peer opened the stream.
func (s *stream) inbound() bool { return s.id%2 == s.frames.parity }

// answer notes that the peer knows of a stream of ours. The mutex of frames is
// held.
func (s *stream) answer() {
	if !closed(s.answered) {
		close(s.answered)
		<-s.frames.unanswered
	}
}

// refused fails if the peer reset the stream.
func (s *stream) refused() error {
	s.frames.mu.Lock()
	defer s.frames.mu.Unlock()
	switch {
	case s.reset && s.frames.goneAway:
		return errNotAccepting
	case s.reset:
		return errRefused
	}
	return nil
}

// Read reads what the peer wrote. It returns io.EOF after all of it if the peer
// ended its direction.
func (s *stream) Read(b []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if err := s.readable(); err != nil || len(b) == 0 {
		return 0, err
	}
	n, err := s.inner.Read(b)
	if errors.Is(err, yamux.ErrTimeout) && s.frames.ended() {
		n, err = s.inner.Read(b) // what had arrived by then
	}
	s.frames.consumed(s, n)
	s.shrink(n, len(b))
	if err != nil {
		err = s.failure("read", err)
	}
	return n, err
}

// readable fails if the stream is closed or the deadline has passed, which
// yamux would heed only if there is nothing to read.
func (s *stream) readable() error {
	s.frames.mu.Lock()
	defer s.frames.mu.Unlock()
	switch {
	case s.closed:
		return net.ErrClosed
	case !s.readBy.IsZero() && !time.Now().Before(s.readBy):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// shrinkAfter is how many bytes pass before yamux's buffer of a stream is given
// back once it is empty, since yamux keeps it at its largest size: so many that
// making it anew costs a transfer less than a hundredth.
const shrinkAfter = 4 << 20

func (s *stream) shrink(n, size int) {
	s.unshrunk += n
	if n < size && s.unshrunk >= shrinkAfter {
		s.inner.Shrink()
		s.unshrunk = 0
	}
}

// Write waits until the session's send buffer has b.
func (s *stream) Write(b []byte) (written int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for {
		if err := s.frames.room(outSoft, s.writable); err != nil {
			return written, err
		}
		n, err := s.inner.Write(b[written:min(len(b), written+maxFrame)])
		if written += n; err != nil {
			return written, s.failure("write", err)
		}
		if written == len(b) {
			return written, nil
		}
	}
}

// writable fails if what is written would not be sent. The mutex of frames is
// held.
func (s *stream) writable() error {
	switch {
	case s.ended:
		return net.ErrClosed
	case !s.writeBy.IsZero() && !time.Now().Before(s.writeBy):
		return os.ErrDeadlineExceeded
	case s.frames.err != nil:
		return opError("write", s, sessionError(s.frames.err))
	}
	return nil
}

// failure translates an error of yamux's stream.
func (s *stream) failure(op string, err error) error {
	s.frames.mu.Lock()
	ended := s.closed || s.ended && op == "write"
	complete := s.finished && s.flow.read == s.flow.received
	over := s.frames.closed
	s.frames.mu.Unlock()
	switch {
	case ended:
		return net.ErrClosed
	case err == io.EOF && complete:
		return io.EOF
	case errors.Is(err, yamux.ErrTimeout) && !over:
		return os.ErrDeadlineExceeded
	case errors.Is(err, yamux.ErrConnectionReset):
		return opError(op, s, syscall.ECONNRESET)
	}
	// When its session has ended yamux returns io.EOF and "stream closed".
	return opError(op, s, s.session.failure())
}

// past is a deadline that wakes whoever waits.
var past = time.Unix(1, 0)

// CloseWrite ends this direction: the peer reads io.EOF after what was written.
// The other direction stays open.
func (s *stream) CloseWrite() error {
	s.frames.mu.Lock()
	if s.closed {
		s.frames.mu.Unlock()
		return net.ErrClosed
	}
	s.end()
	return nil
}

// end lets no more be written. It is called with the mutex of frames held, and
// releases it.
func (s *stream) end() {
	s.ended = true
	if s.writeTimer != nil {
		s.writeTimer.Stop()
	}
	s.inner.SetWriteDeadline(past)
	s.frames.drained.Broadcast()
	s.frames.mu.Unlock()
	// A Write under way returns before, lest its data come behind the end.
	s.writing.Lock()
	defer s.writing.Unlock()
	s.inner.Close()
}

// Close wakes Read and Write and ends both directions. It does not wait; see
// the package comment for what happens to what is under way.
func (s *stream) Close() error {
	s.frames.mu.Lock()
	if s.closed {
		s.frames.mu.Unlock()
		return nil
	}
	s.closed = true
	s.inner.SetReadDeadline(past)
	s.end()
	go s.finish()
	return nil
}

// finish sees a closed stream off: it discards what the peer still sends, until
// the peer has ended its direction too or is made to.
func (s *stream) finish() {
	if !s.discard(time.Now()) {
		s.frames.reset(s.id)
	}
	s.session.remove(s)
}

// discard reads until the peer has ended its direction, and returns false if
// it does not seem to want to.
func (s *stream) discard(start time.Time) bool {
	// A Read under way returns before, and none that follows gets to yamux.
	s.reading.Lock()
	s.inner.SetReadDeadline(start.Add(closeTimeout))
	s.reading.Unlock()
	buffer := make([]byte, 4<<10)
	for total := 0; total <= maxWindow; {
		n, err := s.inner.Read(buffer)
		if err != nil {
			return !errors.Is(err, yamux.ErrTimeout)
		}
		if time.Since(start) > grace {
			return false
		}
		s.frames.consumed(s, n)
		total += n
	}
	return false
}

// Reset ends both directions at once, without delivering what was written. The
// peer's Read fails: it is for a source that broke, whose stream must not seem
// to have ended.
func (s *stream) Reset() error {
	s.frames.reset(s.id)
	return s.Close()
}

func (s *stream) LocalAddr() net.Addr  { return s.session.conn.LocalAddr() }
func (s *stream) RemoteAddr() net.Addr { return s.session.conn.RemoteAddr() }

func (s *stream) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

func (s *stream) SetReadDeadline(t time.Time) error {
	s.frames.mu.Lock()
	defer s.frames.mu.Unlock()
	if !s.closed && !s.frames.closed {
		s.readBy = t
		s.inner.SetReadDeadline(t)
	}
	return nil
}

func (s *stream) SetWriteDeadline(t time.Time) error {
	s.frames.mu.Lock()
	defer s.frames.mu.Unlock()
	if s.ended || s.frames.closed {
		return nil
	}
	if s.writeTimer != nil {
		s.writeTimer.Stop()
		s.writeTimer = nil
	}
	if !t.IsZero() {
		left := time.Until(t)
		t = time.Now().Add(left) // by the clock of timers, so that it has passed when the timer fires
		s.writeTimer = time.AfterFunc(left, s.frames.lookAgain)
	}
	s.writeBy = t
	s.inner.SetWriteDeadline(t)
	s.frames.drained.Broadcast()
	return nil
}
