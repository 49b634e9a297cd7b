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
	Spoken    string // one of the above; empty if nothing of them was met
	Permanent bool   // it is certain: no broker says this, or hangs up like this, for another reason
	text      string
	cause     error
}

// Error says what was met and what to write instead.
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
	met, secure := spoken(first), scheme == "mqtts" || scheme == "wss"
	switch {
	case met == SpokenSSH, met == SpokenHTTP && secure, met == SpokenTLS && scheme == "ws":
		return &ForeignError{met, true, met + " is spoken there: " + instead[scheme][met], err}
	case !hungUp(err):
		return err
	case met == SpokenTLS && scheme == "wss":
		return &ForeignError{met, false, "it hung up after the TLS handshake: " + instead[scheme][met], err}
	case met == "" && scheme == "ws":
		return &ForeignError{met, false, "it hung up on the WebSocket handshake: " + instead[scheme][met], err}
	case met == "" && secure:
		return &ForeignError{met, false, "it hung up in the TLS handshake: " + instead[scheme][met], err}
	}
	return err
}

// foreignSession looks at a failure between CONNECT and CONNACK, with the first bytes that came instead.
func foreignSession(scheme string, first []byte, err error) error {
	met, silence := spoken(first), ""
	switch {
	case met != "":
	case hungUp(err):
		silence = "it hung up on the MQTT handshake"
	case errors.Is(err, errNoAnswer):
		silence = "it was reached, but says nothing in MQTT"
	case errors.Is(err, errMalformed):
		return &ForeignError{text: "what is spoken there is not MQTT 3.1.1: " + checkPort, cause: err}
	default:
		return err
	}
	switch scheme {
	case "ws", "wss":
		// A WebSocket is there, which no other protocol has inside.
		return &ForeignError{text: cmp.Or(silence, "what is spoken there is not MQTT 3.1.1") + ": check path, user and password", cause: err}
	case "mqtts":
		met = map[string]string{SpokenHTTP: SpokenHTTPS, "": SpokenTLS}[met]
	}
	advice := cmp.Or(instead[scheme][met], checkPort)
	if silence != "" {
		return &ForeignError{met, false, silence + ": " + advice, err}
	}
	return &ForeignError{met, true, met + " is spoken there: " + advice, err}
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

const checkPort = "check host and port"

// instead says what to do where a scheme meets something else: its suggestion names the scheme to write.
var instead = map[string]map[string]string{
	"mqtt": {
		SpokenHTTP: "for MQTT over WebSocket write ws://",
		SpokenTLS:  "write mqtts://",
		SpokenSSH:  checkPort,
		"":         "check the port: one for TLS (write mqtts://) or WebSocket (write ws://) does that, and some brokers at a wrong user or password",
	},
	"mqtts": {
		SpokenHTTP:  "for MQTT over WebSocket without TLS write ws://",
		SpokenHTTPS: "for MQTT over WebSocket write wss://",
		SpokenSSH:   checkPort,
		SpokenTLS:   "check the port: one for WebSocket (write wss://) does that, and some brokers at a wrong user, password or certificate of ours",
		"":          "check the port: one without TLS (write mqtt://) does that",
	},
	"ws": {
		SpokenTLS: "write wss://",
		SpokenSSH: checkPort,
		"":        "check the port: one without WebSocket (write mqtt://) or with TLS (write wss://) does that",
	},
	"wss": {
		SpokenHTTP: "write ws://",
		SpokenSSH:  checkPort,
		SpokenTLS:  "check the port: one without WebSocket (write mqtts://) does that",
		"":         "check the port: one without TLS (write ws://, or mqtt:// without WebSocket) does that",
	},
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
