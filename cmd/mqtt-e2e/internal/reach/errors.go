package reach

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/mqtt-e2e/mqtte2e"
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

// endedError means that a session ended before a stream was of use, so that
// the same request is worth another session.
type endedError struct{ cause error }

func (e *endedError) Error() string { return e.cause.Error() }
func (e *endedError) Unwrap() error { return e.cause }

// failure tells the end of the caller's patience from that of the session.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w a request in time: %w", mqtte2e.ErrNoAnswer, ctx.Err())
	}
	return &endedError{err}
}
