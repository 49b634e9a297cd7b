package mux

import "encoding/binary"

// A header begins every frame of yamux: version(1) type(1) flags(2) stream(4)
// length(4), big-endian, as in the file spec.md of hashicorp/yamux. Only data
// frames have a body, of length bytes.
type header [headerSize]byte

const headerSize = 12

const (
	typeData         = 0
	typeWindowUpdate = 1
	typePing         = 2
	typeGoAway       = 3
)

const (
	flagSYN = 1 << iota // opens the stream
	flagACK             // the peer accepted the stream
	flagFIN             // the sender sends no more
	flagRST             // both directions end at once
)

func (h *header) kind() byte     { return h[1] }
func (h *header) flags() uint16  { return binary.BigEndian.Uint16(h[2:]) }
func (h *header) stream() uint32 { return binary.BigEndian.Uint32(h[4:]) }

// body returns the length of what follows the header, bytes.
func (h *header) body() int {
	if h.kind() != typeData {
		return 0
	}
	return h.length()
}

func (h *header) length() int { return int(binary.BigEndian.Uint32(h[8:])) }

func (h *header) setFlags(flags uint16) { binary.BigEndian.PutUint16(h[2:], flags) }
func (h *header) setLength(length int)  { binary.BigEndian.PutUint32(h[8:], uint32(length)) }

// resetFrame returns the frame that ends a stream at once at whoever gets it.
func resetFrame(stream uint32) *header {
	h := windowFrame(stream, 0)
	h.setFlags(flagRST)
	return h
}

// goAwayFull is the reason for which a Limits refuses a session. yamux has the
// reasons 0 to 2, and ends the session for any other, which is what is meant.
const goAwayFull = 3

// fullFrame returns the frame that refuses a session.
func fullFrame() *header {
	h := &header{1: typeGoAway}
	h.setLength(goAwayFull)
	return h
}

// windowFrame returns the frame that lets whoever gets it send more.
func windowFrame(stream uint32, more int) *header {
	h := &header{1: typeWindowUpdate}
	binary.BigEndian.PutUint32(h[4:], stream)
	h.setLength(more)
	return h
}
