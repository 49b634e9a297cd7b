package link

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
)

// ErrClosed is returned by the methods of a closed Link. It answers to errors.Is with net.ErrClosed.
var ErrClosed = fmt.Errorf("the link to the broker is closed: %w", net.ErrClosed)

// Refused is what a broker refused: a return code of CONNACK or SUBACK (MQTT 3.1.1, sections 3.2.2.3 and 3.9.3), or 0 for
// anything else.
type Refused byte

// The return codes that callers tell apart.
const (
	RefusedCredentials  Refused = 4
	RefusedAccess       Refused = 5
	RefusedSubscription Refused = 0x80
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
	Proxy    string // host:port
	Variable string // of the environment, which names the proxy
	cause    error
}

// Error returns what failed, and where.
func (e *ProxyError) Error() string {
	return "through the proxy at " + e.Proxy + " (" + e.Variable + "): " + e.cause.Error()
}

// Unwrap returns what failed.
func (e *ProxyError) Unwrap() error { return e.cause }

// Permanent tells whether err is of a kind that trying again does not cure: credentials or a subscription refused, a
// certificate that does not verify on either side, another protocol at the broker's port. Of several brokers, that of all.
func Permanent(err error) bool {
	var several BrokerErrors
	if errors.As(err, &several) {
		return several.permanent()
	}
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
	return errors.As(err, &alert) && slices.Contains(certificateAlerts, alert)
}

// certificateAlerts say that the peer does not accept our certificate: bad, unsupported, revoked, expired, unknown, unknown CA,
// access denied, required (RFC 8446, section 6.2).
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116}

// connectRefused turns a return code of CONNACK into an error.
func connectRefused(code byte) error {
	refusals := map[byte]RefusedError{
		1: {Reason: "the protocol version (CONNACK 1): it does not speak MQTT 3.1.1", Permanent: true},
		2: {Reason: "the client identifier (CONNACK 2)"},
		3: {Reason: "the connection, being unavailable (CONNACK 3)"},
		4: {Reason: "the credentials (CONNACK 4): check user name and password", Permanent: true},
		5: {Reason: "access (CONNACK 5): check user name, password and the broker's permissions", Permanent: true},
	}
	refusal, ok := refusals[code]
	if !ok {
		return fmt.Errorf("%w: CONNACK %d", errMalformed, code)
	}
	refusal.What = Refused(code)
	return &refusal
}

// fewSubscriptions is how many a client may have before the number may be the reason why one more is refused: services that limit
// it allow 8 or more.
const fewSubscriptions = 5

// subscriptionRefused is the error of that return code, where so many others are confirmed on the connection.
func subscriptionRefused(filter string, confirmed int) error {
	return &RefusedError{RefusedSubscription, fmt.Sprintf("the subscription to %q: %s", filter, checkSubscriptions(confirmed)), true}
}

// checkSubscriptions says what to check where a broker refuses SUBSCRIBE.
func checkSubscriptions(confirmed int) string {
	if confirmed <= fewSubscriptions {
		return "check the broker's permissions, and its limit of subscriptions a client"
	}
	return fmt.Sprintf("check the broker's limit of subscriptions a client (it has confirmed %d on this connection), and its permissions", confirmed)
}
