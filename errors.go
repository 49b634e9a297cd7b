package mqtte2e

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// Errors that errors.Is finds in what the functions of this package return.
// The errors returned say more than these texts.
var (
	// ErrNoAnswer: the broker was reached and nobody answered. Key, name or
	// TopicPrefix differ from the listener's, or no listener runs.
	ErrNoAnswer = engine.ErrNoAnswer

	// ErrPeerGone: nothing was heard of the peer for Config.PeerTimeout, or
	// its process was restarted and no longer knows the Conn.
	ErrPeerGone = engine.ErrPeerGone

	// ErrRefused: the listener answered that it does not want the Conn, and
	// said why.
	ErrRefused = engine.ErrRefused

	// ErrBroker: the broker could not be reached, or refused this client. The
	// cause is wrapped.
	ErrBroker = engine.ErrBroker
)

// withHint adds to an error about the broker, or all of several, where it is and
// what to check.
func withHint(err error, at address.Address) error {
	var e *engine.Error
	if !errors.As(err, &e) || e.Kind != ErrBroker {
		return err
	}
	several := link.BrokerErrors{{Err: e.Cause}}
	where := []string{at.String() + ": " + e.Text}
	if errors.As(e.Cause, &several) {
		where = nil
		for _, err := range several {
			where = append(where, err.Error())
		}
	}
	return &engine.Error{Kind: e.Kind, Cause: e.Cause, Text: hinted(where, several)}
}

// hinted joins texts, which say where a broker is and why it is of no use, with
// what to check behind each: behind the last of several that have the same to check.
func hinted(texts []string, why link.BrokerErrors) string {
	for i := range texts {
		hint := brokerHint(why[i].Err)
		last := i == len(texts)-1 || brokerHint(why[i+1].Err) != hint
		if hint != "" && last {
			texts[i] += ": " + hint
		}
	}
	return strings.Join(texts, "; ")
}

// brokerHint says what to check after cause, nothing if cause says it by itself.
func brokerHint(cause error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var refused *link.RefusedError
	var foreign *link.ForeignError
	switch {
	case errors.As(cause, &refused), errors.As(cause, &foreign):
		return ""
	case errors.As(cause, &dns):
		return "check the spelling of the host, and this machine's DNS"
	case errors.As(cause, &certificate):
		return "check the host in the address, the clock, and the roots in Config.TLSConfig"
	case errors.As(cause, &record):
		return "check the port, which does not speak TLS; mqtt:// and ws:// are without TLS"
	case errors.Is(cause, syscall.ECONNREFUSED):
		return "check that the broker runs, and the port"
	case errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, context.Canceled), errors.Is(cause, os.ErrDeadlineExceeded):
		return "check the address and the network, or allow more time"
	}
	return "check the address, the network, and user and password for the broker"
}

// opError dresses an error of a Conn as package net does, but for io.EOF.
func (c *Conn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "mqtt", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
