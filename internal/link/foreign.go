package link

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
)

// What a port may speak that is not what the scheme says, as ForeignError.Spoken has it.
const (
	SpokenHTTP  = "HTTP"
	SpokenHTTPS = "HTTPS" // HTTP inside TLS
	SpokenSSH   = "SSH"
	SpokenTLS   = "TLS" // and inside it nothing that is known
)

// maxFirst is how many of the first bytes are kept to recognise a protocol by. The longest beginning looked for has 5.
const maxFirst = 5

// ForeignError says that what answers at the broker's port is not what the scheme of the address says.
type ForeignError struct {
	Spoken    string // one of the above; empty if it is none of them
	Permanent bool   // it is certain: no broker says this, or hangs up like this, for another reason
	text      string
	cause     error
}

// Error says what is spoken there and what to write instead.
func (e *ForeignError) Error() string { return e.text }

// Unwrap returns what failed.
func (e *ForeignError) Unwrap() error { return e.cause }

// spoken recognises a protocol by the first bytes that a server sends.
func spoken(first []byte) string {
	switch {
	case bytes.HasPrefix(first, []byte("HTTP/")):
		return SpokenHTTP
	case bytes.HasPrefix(first, []byte("SSH-")):
		return SpokenSSH
	case len(first) >= 2 && (first[0] == 0x15 || first[0] == 0x16) && first[1] == 3:
		// An alert or a handshake record of SSL 3 to TLS 1.3 (RFC 8446, section 5.1).
		return SpokenTLS
	}
	return ""
}

// foreignHandshake looks at a failure to get to where MQTT begins, with the first bytes that came from the network.
func foreignHandshake(scheme string, first []byte, err error) error {
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		first = record.RecordHeader[:]
	}
	protocol, secure := spoken(first), scheme == "mqtts" || scheme == "wss"
	switch {
	case protocol == SpokenSSH, protocol == SpokenHTTP && secure, protocol == SpokenTLS && scheme == "ws":
		return newForeignError(scheme, protocol, "", err)
	case !hungUp(err):
		return err
	case protocol == SpokenTLS && scheme == "wss":
		return newForeignError(scheme, protocol, "it hung up after the TLS handshake", err)
	case protocol == "" && scheme == "ws":
		return newForeignError(scheme, protocol, "it hung up on the WebSocket handshake", err)
	case protocol == "" && secure:
		return newForeignError(scheme, protocol, "it hung up in the TLS handshake", err)
	}
	return err
}

// foreignSession looks at a failure between CONNECT and CONNACK, with the first bytes that came instead.
func foreignSession(scheme string, first []byte, err error) error {
	const notMQTT = "what is spoken there is not MQTT 3.1.1"
	protocol, symptom := spoken(first), ""
	switch {
	case protocol != "":
	case hungUp(err):
		symptom = "it hung up on the MQTT handshake"
	case errors.Is(err, errNoAnswer):
		symptom = "it was reached, but says nothing in MQTT"
	case errors.Is(err, errMalformed):
		return &ForeignError{text: notMQTT + ": " + checkPort, cause: err}
	default:
		return err
	}
	switch scheme {
	case "ws", "wss":
		// A WebSocket is there, which no other protocol has inside.
		return &ForeignError{text: cmp.Or(symptom, notMQTT) + ": check path, user and password", cause: err}
	case "mqtts":
		protocol = map[string]string{SpokenHTTP: SpokenHTTPS, "": SpokenTLS}[protocol]
	}
	return newForeignError(scheme, protocol, symptom, err)
}

// foreignStatus is the error of a web server that does not serve WebSocket there.
func foreignStatus(scheme string, status int, err error) error {
	advice := "check host, port and path"
	if scheme == "ws" && status == http.StatusBadRequest {
		// So do web servers for TLS answer those who speak none.
		advice += ", or write wss://"
	}
	return &ForeignError{SpokenHTTP, false, fmt.Sprintf("no WebSocket there (HTTP status %d): %s", status, advice), err}
}

// newForeignError says what is spoken where scheme is not, or which symptom suggests it, and what to do.
func newForeignError(scheme, protocol, symptom string, err error) error {
	advice := cmp.Or(instead[[2]string{scheme, protocol}], checkPort)
	if symptom != "" {
		return &ForeignError{protocol, false, symptom + ": " + advice, err}
	}
	return &ForeignError{protocol, true, protocol + " is spoken there: " + advice, err}
}

const checkPort = "check host and port"

// instead says what to do where something other than a scheme is spoken: its suggestion names the scheme to write.
var instead = map[[2]string]string{
	{"mqtt", SpokenHTTP}:   "for MQTT over WebSocket write ws://",
	{"mqtt", SpokenTLS}:    "write mqtts://",
	{"mqtt", ""}:           "check the port: one for TLS (write mqtts://) or WebSocket (write ws://) does that, and some brokers at a wrong user or password",
	{"mqtts", SpokenHTTP}:  "for MQTT over WebSocket without TLS write ws://",
	{"mqtts", SpokenHTTPS}: "for MQTT over WebSocket write wss://",
	{"mqtts", SpokenTLS}:   "check the port: one for WebSocket (write wss://) does that, and some brokers at a wrong user, password or certificate of ours",
	{"mqtts", ""}:          "check the port: one without TLS (write mqtt://) does that",
	{"ws", SpokenTLS}:      "write wss://",
	{"ws", ""}:             "check the port: one without WebSocket (write mqtt://) or with TLS (write wss://) does that",
	{"wss", SpokenHTTP}:    "write ws://",
	{"wss", SpokenTLS}:     "check the port: one without WebSocket (write mqtts://) does that",
	{"wss", ""}:            "check the port: one without TLS (write ws://, or mqtt:// without WebSocket) does that",
}

// hungUp tells whether err says that the other end closed or reset the connection.
func hungUp(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, io.ErrClosedPipe, syscall.ECONNABORTED} {
		if errors.Is(err, end) && !errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
	}
	return false
}
