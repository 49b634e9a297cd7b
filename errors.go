package mqtte2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// Errors that errors.Is finds in what the functions of this package return.
// The errors returned say more than these texts.
var (
	// ErrNoAnswer: the broker was reached and nobody answered. Key, name or
	// TopicPrefix differ from the listener's, or no listener runs.
	ErrNoAnswer = errors.New("mqtte2e: nobody answered")

	// ErrPeerGone: nothing was heard of the peer for Config.PeerTimeout, or
	// its process was restarted and no longer knows the Conn.
	ErrPeerGone = errors.New("mqtte2e: the peer is gone")

	// ErrRefused: the listener answered that it does not want the Conn, and
	// said why.
	ErrRefused = errors.New("mqtte2e: the listener refused")

	// ErrBroker: the broker could not be reached, or refused this client. The
	// cause is wrapped.
	ErrBroker = errors.New("mqtte2e: the broker cannot be used")
)

// failure is what users get: text for people, and the sentinel and the cause
// for errors.Is.
type failure struct {
	sentinel error
	cause    error // nil if there is none beside the sentinel
	text     string
}

var _ net.Error = (*failure)(nil)

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.sentinel}
	}
	return []error{f.sentinel, f.cause}
}

// Timeout reports whether a deadline ended the call, as callers of net.Dialer
// test for.
func (f *failure) Timeout() bool {
	var timeout net.Error
	return errors.As(f.cause, &timeout) && timeout.Timeout()
}

// Temporary is part of net.Error, where it is deprecated.
func (f *failure) Temporary() bool { return f.Timeout() }

// noAnswerError says that a dial to name reached the broker and no listener.
// cause is what ended the dial, such as the context's error, and may be nil.
func noAnswerError(name string, cause error) error {
	text := fmt.Sprintf("mqtte2e: nobody answered as %q: check that its listener runs and uses the same broker, and that key, name and TopicPrefix are equal on both ends", name)
	return &failure{ErrNoAnswer, cause, withCause(text, cause)}
}

// peerSilentError says that a Conn gave its peer up after PeerTimeout.
func peerSilentError(silence time.Duration) error {
	text := fmt.Sprintf("mqtte2e: the peer is gone: nothing was heard of it for %v; check its power and network, or raise Config.PeerTimeout", silence)
	return &failure{ErrPeerGone, nil, text}
}

// peerRestartedError says that the peer's process does not know the Conn.
func peerRestartedError() error {
	return &failure{ErrPeerGone, nil, "mqtte2e: the peer is gone: its process was restarted and does not know this connection; dial again"}
}

// refusedError says that the listener refused a dial, and its reason, which
// the peer chose and is therefore quoted. protocols are the dialer's if they
// were the matter, else nil.
func refusedError(name, reason string, protocols []string) error {
	text := fmt.Sprintf("mqtte2e: the listener %q refused, saying %q", name, reason)
	if protocols != nil {
		text += "; offered were the protocols " + quoteAll(protocols) + ": give Dial and Listen one in common"
	}
	return &failure{ErrRefused, nil, text}
}

func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(quoted, ", ")
}

// brokerError says that broker was not reached, or refused this client. cause
// is never nil; where a context ended the attempt, it wraps the context's error.
func brokerError(broker address.Address, cause error) error {
	text := fmt.Sprintf("mqtte2e: the broker %v cannot be used: %v: %s", broker, cause, brokerHint(cause))
	return &failure{ErrBroker, cause, text}
}

// brokerHint says what to check after cause.
func brokerHint(cause error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(cause, &dns):
		return "check the spelling of the host, and this machine's DNS"
	case errors.As(cause, &certificate):
		return "check the host in the address, the clock, and the roots in Config.TLSConfig"
	case errors.As(cause, &record):
		return "check the port, which does not speak TLS; mqtt:// and ws:// are without TLS"
	case errors.Is(cause, syscall.ECONNREFUSED):
		return "check that the broker runs, and the port"
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, context.Canceled):
		return "check the address and the network, or allow more time"
	}
	return "check the address, the network, and user and password for the broker"
}

func withCause(text string, cause error) string {
	if cause == nil {
		return text
	}
	return text + " (" + cause.Error() + ")"
}
