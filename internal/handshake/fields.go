package handshake

import (
	"encoding/binary"
	"time"
)

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

func (f *fields) inbox() (inbox [inboxSize]byte) {
	f.fixed(inbox[:])
	return inbox
}

// string reads a length byte and as many bytes.
func (f *fields) string() string { return string(f.take(int(f.uint8()))) }

func appendTime(body []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(body, uint64(t.UnixNano()))
}

func appendString(body []byte, s string) []byte {
	return append(append(body, byte(len(s))), s...)
}
