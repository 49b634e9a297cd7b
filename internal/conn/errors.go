package conn

import (
	"errors"
	"net"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e/internal/setting"
)

// What went wrong, for errors.Is. The root package exports these.
var (
	ErrNoAnswer = errors.New("mqtte2e: nobody answered")
	ErrPeerGone = errors.New("mqtte2e: the peer is gone")
	ErrRefused  = errors.New("mqtte2e: the listener refused")
	ErrBroker   = errors.New("mqtte2e: the broker cannot be used")
)

// ErrOffline is ErrPeerGone where it was the broker that was away, and so ErrBroker as well.
var ErrOffline error = offline{}

type offline struct{}

func (offline) Error() string   { return "mqtte2e: the broker is gone" }
func (offline) Unwrap() []error { return []error{ErrPeerGone, ErrBroker} }

// An Error is one of the above with what is known about it.
type Error struct {
	Kind  error  // one of the above, or ErrOffline
	Cause error  // nil if there is none beside the kind
	Text  string // for people: what happened and what to check
}

var _ net.Error = (*Error)(nil)

// Error returns the kind and the text.
func (e *Error) Error() string { return e.Kind.Error() + ": " + e.Text }

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// Timeout reports whether a deadline ended the call, as callers of net.Dialer
// test for.
func (e *Error) Timeout() bool {
	var timeout net.Error
	return errors.As(e.Cause, &timeout) && timeout.Timeout()
}

// Temporary is part of net.Error, where it is deprecated.
func (e *Error) Temporary() bool { return e.Timeout() }

// peerGone says why the peer is given up. values may be setting.Fields.
func peerGone(format string, values ...any) error { return gone(ErrPeerGone, format, values...) }

func gone(kind error, format string, values ...any) error {
	cause := setting.Errorf("", format, values...)
	return &Error{Kind: kind, Cause: cause, Text: cause.Error()}
}

// errPeerClosed answers to syscall.EPIPE, as on a TCP connection whose peer
// closed it.
var errPeerClosed = &peerError{"the peer closed the connection and reads no more", syscall.EPIPE}

// errReset answers to syscall.ECONNRESET.
var errReset = &peerError{"connection reset by peer", syscall.ECONNRESET}

// ErrRevoked and ErrRevokedThere do so, too: the listener does not serve the key any
// more, here or at the other end.
var (
	ErrRevoked      = error(&peerError{"the key that the connection was made under is not served here any more", syscall.ECONNRESET})
	ErrRevokedThere = error(&peerError{"the listener does not serve our key any more", syscall.ECONNRESET})
)

type peerError struct {
	text string
	like error
}

func (e *peerError) Error() string { return e.text }
func (e *peerError) Unwrap() error { return e.like }
