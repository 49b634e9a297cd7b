package link

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// ErrClosed is returned by the methods of a closed Link. It answers to errors.Is with net.ErrClosed.
var ErrClosed = fmt.Errorf("the link to the broker is closed: %w", net.ErrClosed)

// Refused is what a broker refused.
type Refused int

// What a broker may refuse.
const (
	RefusedVersion Refused = iota
	RefusedIdentifier
	RefusedUnavailable
	RefusedCredentials
	RefusedAccess
	RefusedSubscription
	RefusedWebSocket
)

// RefusedError says that the broker answered and said no.
type RefusedError struct {
	What      Refused
	Reason    string // what was refused and what to check
	Permanent bool   // asking again will not help
}

// Error returns the reason.
func (e *RefusedError) Error() string { return "the broker refused " + e.Reason }

// ProxyError says that it was through a proxy that the broker was not reached.
type ProxyError struct {
	Proxy string // host:port
	cause error
}

// Error returns what failed, and where.
func (e *ProxyError) Error() string {
	return "through the proxy at " + e.Proxy + ": " + e.cause.Error()
}

// Unwrap returns what failed.
func (e *ProxyError) Unwrap() error { return e.cause }

// Permanent tells whether err is of a kind that trying again does not cure: credentials or a subscription refused, a
// certificate that does not verify on either side, another protocol at the broker's port.
func Permanent(err error) bool {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.Permanent
	}
	var foreign *ForeignError
	if errors.As(err, &foreign) {
		return foreign.Permanent
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return true
	}
	var alert tls.AlertError
	return errors.As(err, &alert) && certificateAlert(alert)
}

// certificateAlert tells whether the alert says that the peer does not like our certificate (RFC 8446, section 6.2).
func certificateAlert(alert tls.AlertError) bool {
	switch alert {
	case 42, 43, 44, 45, 46, 48, 49, 116: // bad, unsupported, revoked, expired, unknown, unknown CA, access denied, required
		return true
	}
	return false
}

// connectRefused turns the return code of CONNACK (MQTT 3.1.1, section 3.2.2.3) into an error.
func connectRefused(code byte) error {
	switch code {
	case 1:
		return &RefusedError{RefusedVersion, "the protocol version (CONNACK 1): it does not speak MQTT 3.1.1", true}
	case 2:
		return &RefusedError{RefusedIdentifier, "the client identifier (CONNACK 2)", false}
	case 3:
		return &RefusedError{RefusedUnavailable, "the connection, being unavailable (CONNACK 3)", false}
	case 4:
		return &RefusedError{RefusedCredentials, "the credentials (CONNACK 4): check user name and password", true}
	case 5:
		return &RefusedError{RefusedAccess, "access (CONNACK 5): check user name, password and the broker's permissions", true}
	}
	return fmt.Errorf("%w: CONNACK %d", errMalformed, code)
}

// subscriptionRefused is the error of return code 0x80 of SUBACK (section 3.9.3).
func subscriptionRefused(filter string) error {
	return &RefusedError{RefusedSubscription, fmt.Sprintf("the subscription to %q: check the broker's permissions", filter), true}
}
