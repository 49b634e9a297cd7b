package handshake

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The plaintext of an envelope is version (1) | type (1) | length of the body (2) | body | zeros up to the end.
const (
	frameHeader = 4
	maxBody     = maxPlaintext - frameHeader // bytes
)

// The types of messages (SPEC.md, "Messages").
const (
	typeHello   = 1
	typeProbe   = 2
	typeCheck   = 3
	typeAnswer  = 4
	typeRefusal = 5
	typeTime    = 6
	typePong    = 7
	typeGone    = 8
	typeNotMine = 9
)

// Message is what an envelope carries: a Hello, Probe, Check, Answer, Refusal, Time, Pong, Gone or NotMine.
type Message interface {
	kind() byte
	append(body []byte) []byte
}

// putFrame fills plaintext, which must be zero, with a message.
func putFrame(plaintext []byte, kind byte, body []byte) {
	plaintext[0], plaintext[1] = version, kind
	binary.BigEndian.PutUint16(plaintext[2:], uint16(len(body)))
	copy(plaintext[frameHeader:], body)
}

// parse reads the plaintext of an envelope. Whatever it accepts encodes to the same bytes again.
func parse(plaintext []byte) (Message, error) {
	f := fields{rest: plaintext}
	head := f.take(2)
	body := f.take(int(f.uint16()))
	if f.short || !allZero(f.rest) {
		return nil, fmt.Errorf("%w: the length of the body or the padding is wrong", ErrMalformed)
	}
	if head[0] != version {
		return nil, newVersionError(head[0], head[1], body)
	}
	return parseBody(head[1], body)
}

// parseBody reads the body of one type of message of our version.
func parseBody(kind byte, body []byte) (Message, error) {
	f := fields{rest: body}
	var m Message
	switch kind {
	case typeHello:
		m = readHello(&f)
	case typeProbe:
		m = Probe{Nonce: f.id(), Inbox: f.inbox(), Link: f.link()}
	case typeCheck:
		m = Check{Nonce: f.id(), Reply: f.inbox(), Link: f.link(), ID: f.id(), Instance: f.bytes16()}
	case typeAnswer:
		m = readAnswer(&f)
	case typeRefusal:
		m = readRefusal(&f)
	case typeTime:
		m = Time{ID: f.id(), Hello: f.time(), Listener: f.time()}
	case typePong:
		m = Pong{Nonce: f.id()}
	case typeGone:
		m = Gone{Nonce: f.id(), Token: f.bytes16()}
	case typeNotMine:
		m = NotMine{Nonce: f.id()}
	default:
		return nil, newVersionError(version, kind, body)
	}
	if !f.done() {
		return nil, fmt.Errorf("%w: a body of %d bytes is not one of message type %d", ErrMalformed, len(body), kind)
	}
	return m, nil
}

// newVersionError reads no more of a foreign message than what all versions have in common.
func newVersionError(version, kind byte, body []byte) *VersionError {
	e := &VersionError{Version: version, Type: kind}
	if f := (fields{rest: body}); kind == typeHello {
		if hello := readHello(&f); f.done() {
			e.Hello = &hello
		}
	}
	return e
}

func allZero(b []byte) bool {
	var or byte
	for _, c := range b {
		or |= c
	}
	return or == 0
}

// fields reads a body field by field. One that does not fit is zero, and short stays set.
type fields struct {
	rest  []byte
	short bool // also set by whoever finds a field's value impossible
}

// done reports whether the body was neither too short nor too long.
func (f *fields) done() bool { return !f.short && len(f.rest) == 0 }

// take returns the next n bytes, which the caller must copy to keep.
func (f *fields) take(n int) []byte {
	if n > len(f.rest) {
		f.short = true
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

// remaining copies all that follows.
func (f *fields) remaining() []byte {
	return append([]byte(nil), f.take(len(f.rest))...)
}

// fixed reads as many bytes as into has, or none.
func (f *fields) fixed(into []byte) { copy(into, f.take(len(into))) }

func (f *fields) uint8() byte {
	var b [1]byte
	f.fixed(b[:])
	return b[0]
}

func (f *fields) uint16() uint16 {
	var b [2]byte
	f.fixed(b[:])
	return binary.BigEndian.Uint16(b[:])
}

func (f *fields) uint32() uint32 {
	var b [4]byte
	f.fixed(b[:])
	return binary.BigEndian.Uint32(b[:])
}

func (f *fields) time() time.Time {
	var b [timeSize]byte
	f.fixed(b[:])
	return time.Unix(0, int64(binary.BigEndian.Uint64(b[:]))).UTC()
}

func (f *fields) id() (id [idSize]byte) {
	f.fixed(id[:])
	return id
}

func (f *fields) bytes16() (b [16]byte) {
	f.fixed(b[:])
	return b
}

func (f *fields) inbox() Inbox { return Inbox{ID: f.bytes16(), Secret: f.bytes16()} }

// link reads the number of a link.
func (f *fields) link() uint8 {
	link := f.uint8()
	if link >= MaxLinks {
		f.short = true
	}
	return link
}

// string reads a length byte and as many bytes.
func (f *fields) string() string { return string(f.take(int(f.uint8()))) }

func appendTime(body []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(body, uint64(t.UnixNano()))
}

func appendLink(body []byte, link uint8) []byte {
	mustBeLink(link)
	return append(body, link)
}

func mustBeLink(link uint8) {
	if link >= MaxLinks {
		panic(fmt.Sprintf("BUG: handshake: a process has no link %d", link))
	}
}

func appendString(body []byte, s string) []byte {
	return append(append(body, byte(len(s))), s...)
}
