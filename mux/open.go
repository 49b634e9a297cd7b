package mux

import (
	"context"
	"errors"
	"net"

	"github.com/hashicorp/yamux"
)

// open opens a stream without waiting for the peer's answer.
func (s *Session) open(ctx context.Context) (*stream, error) {
	select {
	case s.opening <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closing:
		return nil, net.ErrClosed
	case <-s.broken:
		return nil, s.failure()
	}
	if err := s.openable(); err != nil {
		<-s.opening
		return nil, err
	}
	opened := make(chan *stream)
	failed := make(chan error, 1)
	// yamux waits here while backlog streams of ours are unaccepted. The token
	// is held until it returns, so one goroutine at most outlasts the call.
	go func() {
		defer func() { <-s.opening }()
		inner, err := s.inner.OpenStream()
		if err != nil {
			failed <- err
			return
		}
		st := newStream(s, inner, func() {})
		s.add(st)
		select {
		case opened <- st:
		case <-ctx.Done():
			st.Reset()
		}
	}()
	select {
	case st := <-opened:
		return st, nil
	case err := <-failed:
		return nil, s.openFailure(err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// openable fails if it is known that a stream cannot be opened.
func (s *Session) openable() error {
	if closed(s.closing) || closed(s.draining) {
		return net.ErrClosed
	}
	if err := s.frames.writeError(); err != nil {
		return sessionError(err)
	}
	return nil
}

func (s *Session) openFailure(err error) error {
	if errors.Is(err, yamux.ErrRemoteGoAway) || errors.Is(err, yamux.ErrStreamsExhausted) {
		return errNotAccepting
	}
	return s.failure()
}

// openAnswered opens a stream and waits until the peer has accepted it.
func (s *Session) openAnswered(ctx context.Context) (*stream, error) {
	st, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := st.answered(ctx); err != nil {
		st.Reset()
		return nil, err
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
			close(s.broken)
			s.inner.Close()
			s.frames.wait()
			return
		}
		st := newStream(s, inner, func() { <-s.slots })
		s.add(st)
		s.accepted <- st // has room for all that slots let in
		if closed(s.draining) {
			s.abandonAccepted()
		}
	}
}

// nextStream waits for a slot and for a stream. Its error says why the session
// ended.
func (s *Session) nextStream() (*yamux.Stream, error) {
	select {
	case s.slots <- struct{}{}:
	case <-s.inner.CloseChan():
	}
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

// abandonAccepted gets rid of the streams that wait for Accept.
func (s *Session) abandonAccepted() {
	for {
		select {
		case st := <-s.accepted:
			st.Reset()
		default:
			return
		}
	}
}
