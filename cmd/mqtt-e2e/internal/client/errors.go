package client

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// A SetupError is an error of a setting: nothing was tried, and nothing will
// work before the setting is corrected.
type SetupError struct{ cause error }

func (e *SetupError) Error() string { return e.cause.Error() }
func (e *SetupError) Unwrap() error { return e.cause }

// Setup returns an error of an Endpoint's method as a *SetupError if it is one.
// The Endpoint wraps all others as operations that failed.
func Setup(err error) error {
	var op *net.OpError
	if err == nil || errors.As(err, &op) {
		return err
	}
	return &SetupError{err}
}

// IsSetup reports whether err is about a setting.
func IsSetup(err error) bool {
	var setup *SetupError
	return errors.As(err, &setup)
}

// endTimeout is how long after the error of a stream its session may be found to
// have ended, which takes no packet.
const endTimeout = 100 * time.Millisecond

// endedError means that a session ended before a stream was of use, so that
// the same request is worth another session.
type endedError struct{ cause error }

func (e *endedError) Error() string {
	return "the session with the listener ended as it was used: try again"
}
func (e *endedError) Unwrap() error { return e.cause }

// failure says why a stream was of no use: the end of the caller's patience, of
// the session, or of the stream only. An error of a stream comes a moment before
// the end of its session is known.
func (s *session) failure(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		select {
		case <-s.ctx.Done():
			return s.ended(err)
		case <-time.After(endTimeout):
			if errors.Is(err, syscall.ECONNRESET) {
				return ui.Wrap(errors.Join(mqtte2e.ErrRefused, err), "the listener refused the stream: it has as many as it takes under this key (--max-streams); end some, or try again later")
			}
			return err
		case <-ctx.Done():
		}
	}
	cause := errors.Join(mqtte2e.ErrNoAnswer, ctx.Err())
	return ui.Wrap(cause, "the listener was reached and did not answer the request in time: check its target, or give more time")
}

// ended is the error of a stream whose session has ended.
func (s *session) ended(err error) error {
	if errors.Is(context.Cause(s.ctx), mqtte2e.ErrRefused) {
		return errFull
	}
	return &endedError{err}
}

// errFull means that the listener has as many sessions as it takes.
var errFull = ui.Wrap(mqtte2e.ErrRefused, "the listener refused the session: it has as many as it takes under this key (--max-sessions); end one, or try again later")
