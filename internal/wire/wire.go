// Package wire is the codec of the frames inside a packet.
//
// A packet's plaintext is a sequence of frames, each a type byte and its fields; integers are QUIC variable-length integers
// (RFC 9000, section 16) in their shortest form only. So every accepted packet has exactly one encoding, and decoding and encoding it again
// gives the same bytes. The format is in SPEC.md, "Frames".
//
// The package is pure: it holds no state, starts nothing, and allocates nothing except the ranges of an [Ack] on first use.
package wire

import "time"

// Frame types (SPEC.md, "Frames"). A packet with any other type is malformed.
const (
	TypePadding = 0 // zeros up to the end of the packet
	TypeStream  = 1 // offset, length, data
	TypeAck     = 2 // what has arrived, and what may be sent
	TypeFin     = 3 // final offset: the stream ends there
	TypeStop    = 4 // the peer reads no more
	TypeReset   = 5 // code: the connection is aborted
	TypePing    = 6 // asks for an ACK at once
	TypeResume  = 7 // path, count, then as ACK; asks for an ACK at once

	TypePathChallenge = 8 // path, size, round: asks for a PATH_RESPONSE on the way back
	TypePathResponse  = 9 // path, size, round: answers that
)

// MaxInteger is the largest value of any field, 2^62-1: the limit of the variable-length integers. No stream reaches beyond this offset.
const MaxInteger = 1<<62 - 1

// MaxRanges is the largest number of ranges in an ACK or RESUME. It bounds the frame to 554 bytes and the work that one frame can cause; the
// older ranges, which are left out, have been reported before.
const MaxRanges = 32

// MaxDelay is the longest delay that an ACK or RESUME can tell, 2^32-1 microseconds (71 minutes), and stands for anything longer as well. It is far beyond
// any use as a round-trip correction and fits a [time.Duration] with room to spare.
const MaxDelay = (1<<32 - 1) * time.Microsecond

// MaxArrival is the latest arrival that an ACK or RESUME can tell, 2^52-1 microseconds (142 years).
const MaxArrival = (1<<52 - 1) * time.Microsecond

// MaxPath is the largest number of a path: 8 times that of the sender's link, plus that of the receiver's, both 0 to 7.
const MaxPath = 63

// MinSize and MaxSize bound what a PATH_CHALLENGE or PATH_RESPONSE can say of the largest MQTT payload that its sender accepts, bytes.
const (
	MinSize = 512
	MaxSize = 1 << 20
)

// Range is a run of packet numbers, both ends included.
type Range struct{ Smallest, Largest uint64 }

// Ack is the body of ACK and RESUME.
type Ack struct {
	// Delay is the time since the packet Ranges[0].Largest arrived; 0 without ranges. Resolution: one microsecond, the rest is cut off.
	// Below 0 is sent as 0, above MaxDelay as MaxDelay.
	Delay time.Duration
	// Arrival is when that packet arrived, on the clock of whoever sends this frame, whose zero is its own choice; 0 without ranges. Resolution: one
	// microsecond, the rest is cut off. Below 0 is sent as 0, above MaxArrival as MaxArrival.
	Arrival time.Duration
	// Credit is the stream offset up to which the receiver takes data. It never falls.
	Credit uint64
	// GrantMessages and GrantBytes bound what may be in flight towards the sender of this frame. They may fall.
	GrantMessages, GrantBytes uint64
	// Ranges are the packet numbers received, largest first, each separated from the next by at least one missing number; at most MaxRanges.
	// Empty if nothing has arrived.
	Ranges []Range
}

// Resume is what stands in a RESUME before the fields of an ACK.
type Resume struct {
	Path  uint8  // that the sender sends on from now on, as it numbers it
	Count uint64 // how often the sender has resumed, this time included; that of a RESUME that is repeated stays
}

// Path is the body of PATH_CHALLENGE and PATH_RESPONSE.
type Path struct {
	Path  uint8  // that the frame is sent on, as its sender numbers it
	Size  int    // of the largest MQTT payload that the sender accepts on this path, bytes
	Round uint64 // of a PATH_CHALLENGE, the sender's choice; of a PATH_RESPONSE, that of the challenge
}

// Visitor receives the frames of a packet in their order. Data and Ack are valid during the call only.
type Visitor interface {
	Stream(offset uint64, data []byte) // data is never empty, and offset+len(data) at most MaxInteger
	Ack(a *Ack)
	Resume(r Resume, a *Ack)
	Fin(final uint64)
	Stop()
	Reset(code uint64)
	Ping()
	PathChallenge(p Path)
	PathResponse(p Path)
}
