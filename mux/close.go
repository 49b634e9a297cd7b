package mux

import (
	"errors"
	"time"

	"github.com/hashicorp/yamux"
)

// finish sees a closed stream off: it discards what the peer still sends, until
// the peer has ended its direction too or is made to.
func (s *stream) finish() {
	defer s.forget()
	late := time.AfterFunc(flushTimeout, s.resetUnflushed)
	defer late.Stop()
	if !s.discard() {
		s.reset()
	}
	<-s.sender.flushed
}

// discard reads until the peer has ended its direction, and returns false if
// it does not seem to want to.
func (s *stream) discard() bool {
	start := time.Now()
	s.inner.SetReadDeadline(start.Add(closeTimeout))
	s.receiver.claim()
	buffer := make([]byte, 4<<10)
	for total := 0; total <= maxWindow; {
		n, err := s.inner.Read(buffer)
		if err != nil {
			return !errors.Is(err, yamux.ErrTimeout)
		}
		if closed(s.sender.flushed) && time.Since(start) > grace {
			return false
		}
		s.consumed(n)
		total += n
	}
	return false
}

// resetUnflushed gives up a peer that does not read what was written before
// Close.
func (s *stream) resetUnflushed() {
	if !closed(s.sender.flushed) {
		s.reset()
	}
}

// reset ends the stream at both ends at once.
func (s *stream) reset() { s.session.frames.reset(s.inner.StreamID()) }

// consumed notes that n bytes were read from yamux.
func (s *stream) consumed(n int) { s.session.frames.consumed(s.inner.StreamID(), s.peer, n) }

// forget drops the stream, which has ended at both ends, from the session.
func (s *stream) forget() {
	s.session.frames.forget(s.inner.StreamID(), s.peer)
	s.session.remove(s)
	s.release()
}
