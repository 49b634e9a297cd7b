package main

import (
	"errors"
	"fmt"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
)

// Exit codes. They are part of the command's interface.
const (
	exitClean    = 0
	exitOther    = 1
	exitUsage    = 2
	exitKey      = 3
	exitBroker   = 4
	exitNoAnswer = 5 // nobody answered
	exitRefused  = 6 // by the listener, or the target cannot be reached
	exitPeerGone = 7
)

// codedError is an error whose exit code does not follow from its cause.
type codedError struct {
	code  int
	cause error
}

func (e *codedError) Error() string { return e.cause.Error() }
func (e *codedError) Unwrap() error { return e.cause }

// usage makes err an error in the command line.
func usage(err error) error { return coded(exitUsage, err) }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// keyError is an error that has to do with the key.
func keyError(err error) error { return coded(exitKey, err) }

func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code, err}
}

// exitCode returns the exit code for an error.
func exitCode(err error) int {
	var explicit *codedError
	var refused *tunnel.Error
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &explicit):
		return explicit.code
	case client.IsSetup(err):
		return exitUsage
	case errors.As(err, &refused), errors.Is(err, mqtte2e.ErrRefused), errors.Is(err, engine.ErrRevokedThere):
		return exitRefused
	case errors.Is(err, mqtte2e.ErrBroker):
		return exitBroker
	case errors.Is(err, mqtte2e.ErrPeerGone):
		return exitPeerGone
	case errors.Is(err, mqtte2e.ErrNoAnswer):
		return exitNoAnswer
	}
	return exitOther
}
