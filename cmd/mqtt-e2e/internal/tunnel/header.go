// Package tunnel is the protocol mqtt-e2e/1, which TUNNEL.md describes, and what
// both of its ends do with a stream: join it with a TCP connection, or with
// standard input and output.
package tunnel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// What the ends of a Conn agree on.
const (
	Protocol    = "mqtt-e2e/1"
	MuxProtocol = "mux" // that of package mux
)

// maxText is the length of the longest text in a header, bytes. A target has
// at most 259 (a host name of 253, a colon and a port), a reason is cut.
const maxText = 512

// A Kind says what a stream is for.
type Kind byte

// The kinds of requests. The dialer sends the first five, the listener
// Arrival.
const (
	Service  Kind = 1 // Text names a service; empty: the default target
	Target   Kind = 2 // Text is HOST:PORT
	Open     Kind = 3 // open the port [BIND:]PORT in Text; the reply's Text tells where; the port is closed with the stream
	Download Kind = 4 // the listener sends zeros until the stream is closed; for measurements
	Upload   Kind = 5 // the listener discards what it gets, and then answers with its length, 8 bytes
	Arrival  Kind = 6 // a connection came in at the port that Text asked for
)

// A Request stands at the start of a stream, sent by the side that opened it.
type Request struct {
	Kind Kind
	Text string
}

// A Code says how a Request fared.
type Code byte

// The codes of replies.
const (
	OK          Code = 0
	Refused     Code = 1 // the receiver does not allow it
	Unreachable Code = 2 // allowed, but the target cannot be reached or the port not opened
	Unknown     Code = 3 // the receiver does not know the kind
)

// A Reply answers a Request. Text is the reason unless Code is OK.
type Reply struct {
	Code Code
	Text string
}

// ErrMalformed means that the peer does not keep to the protocol.
var ErrMalformed = errors.New("the peer's header breaks the protocol mqtt-e2e/1")

// An Error is a Reply that is not OK.
type Error struct{ Reply Reply }

func (e *Error) Error() string { return "the other side says: " + e.Reply.Text }

// Err returns nil for OK and else an *Error.
func (r Reply) Err() error {
	if r.Code == OK {
		return nil
	}
	return &Error{r}
}

// Write sends the request in one write.
func (r Request) Write(w io.Writer) error { return write(w, byte(r.Kind), r.Text) }

// Write sends the reply in one write. A reason that is too long is cut.
func (r Reply) Write(w io.Writer) error { return write(w, byte(r.Code), printable(r.Text)) }

// ReadRequest reads a request and not a byte more.
func ReadRequest(r io.Reader) (Request, error) {
	kind, text, err := read(r)
	return Request{Kind(kind), text}, err
}

// ReadReply reads a reply and not a byte more.
func ReadReply(r io.Reader) (Reply, error) {
	code, text, err := read(r)
	return Reply{Code(code), text}, err
}

// write sends a header: first byte, length of text (2 bytes, big-endian), text.
func write(w io.Writer, first byte, text string) error {
	if len(text) > maxText || !plain(text) {
		return fmt.Errorf("%w: the text has %d bytes, or characters that cannot be printed", ErrMalformed, len(text))
	}
	header := append(make([]byte, 0, 3+maxText), first)
	header = binary.BigEndian.AppendUint16(header, uint16(len(text)))
	_, err := w.Write(append(header, text...))
	return err
}

func read(r io.Reader) (first byte, text string, err error) {
	var start [3]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return 0, "", err
	}
	length := binary.BigEndian.Uint16(start[1:])
	if length > maxText {
		return 0, "", fmt.Errorf("%w: a text of %d bytes", ErrMalformed, length)
	}
	buffer := make([]byte, length)
	if _, err := io.ReadFull(r, buffer); err != nil {
		return 0, "", err
	}
	if !plain(string(buffer)) {
		return 0, "", fmt.Errorf("%w: a text that cannot be printed", ErrMalformed)
	}
	return start[0], string(buffer), nil
}

// plain reports whether text can be shown on a terminal as it is.
func plain(text string) bool { return utf8.ValidString(text) && !strings.ContainsFunc(text, control) }

// control matches C0, DEL and C1, which move cursors and more.
func control(r rune) bool { return r < 0x20 || 0x7f <= r && r < 0xa0 }

// printable makes a text that plain accepts and that is short enough.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	for len(text) > maxText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
