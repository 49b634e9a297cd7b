package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Reason says why something failed on the network or in a file, in few words
// and without the addresses of sockets and the names of system calls.
func Reason(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("the host %s is not known", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("the host %s cannot be looked up", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to it"
	case errors.Is(err, syscall.ECONNRESET):
		return "it reset the connection"
	case errors.Is(err, io.EOF):
		return "it closed the connection"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	return innermost(err).Error()
}

// Brief returns an error for a line that says already what failed.
func Brief(err error) string {
	var explained *Error
	var op *net.OpError
	if !errors.As(err, &explained) && (errors.As(err, &op) || errors.Is(err, io.EOF)) {
		return Reason(err)
	}
	return err.Error()
}

// innermost takes away what packages put around an error of the system, or of
// whoever saw it first.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// FileError is an error about a file: its name, then why. what says which file it is
// to the command.
func FileError(what, name string, err error) error {
	return Wrap(err, "%s %s: %s", what, name, Reason(err))
}
