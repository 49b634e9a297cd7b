package wire

import (
	"fmt"
	"time"
)

// AppendStreamHeader appends the head of a STREAM frame; the caller appends the length bytes of data right behind it. An empty frame does not exist:
// length is at least 1.
func AppendStreamHeader(b []byte, offset uint64, length int) []byte {
	if length < 1 || offset > MaxInteger || uint64(length) > MaxInteger-offset {
		panic(fmt.Sprintf("BUG: wire: no STREAM frame has offset %d and length %d", offset, length))
	}
	b = appendVarint(append(b, TypeStream), offset)
	return appendVarint(b, uint64(length))
}

// StreamHeaderLen returns the size of what AppendStreamHeader appends.
func StreamHeaderLen(offset uint64, length int) int {
	return 1 + varintLen(offset) + varintLen(uint64(length))
}

// AppendAck appends an ACK frame. Ranges that break the rules of [Ack] are a mistake of the caller and panic.
func AppendAck(b []byte, a *Ack) []byte { return appendAckBody(append(b, TypeAck), a) }

// AppendResume appends a RESUME frame, under the rules of AppendAck.
func AppendResume(b []byte, r Resume, a *Ack) []byte {
	mustBePath(r.Path)
	return appendAckBody(appendVarint(append(b, TypeResume, r.Path), r.Count), a)
}

// AppendPathChallenge appends a PATH_CHALLENGE frame.
func AppendPathChallenge(b []byte, p Path) []byte { return appendPath(append(b, TypePathChallenge), p) }

// AppendPathResponse appends a PATH_RESPONSE frame.
func AppendPathResponse(b []byte, p Path) []byte { return appendPath(append(b, TypePathResponse), p) }

func appendPath(b []byte, p Path) []byte {
	mustBePath(p.Path)
	if p.Size < MinSize || p.Size > MaxSize {
		panic(fmt.Sprintf("BUG: wire: a size of %d bytes", p.Size))
	}
	b = appendVarint(append(b, p.Path), uint64(p.Size))
	return appendVarint(b, p.Round)
}

// mustBePath panics unless path is a number that takes one byte as an integer.
func mustBePath(path uint8) {
	if path > MaxPath {
		panic(fmt.Sprintf("BUG: wire: path %d", path))
	}
}

// AppendFin appends a FIN frame: the stream ends at offset final.
func AppendFin(b []byte, final uint64) []byte { return appendVarint(append(b, TypeFin), final) }

// AppendStop appends a STOP frame.
func AppendStop(b []byte) []byte { return append(b, TypeStop) }

// AppendReset appends a RESET frame.
func AppendReset(b []byte, code uint64) []byte { return appendVarint(append(b, TypeReset), code) }

// AppendPing appends a PING frame.
func AppendPing(b []byte) []byte { return append(b, TypePing) }

func appendAckBody(b []byte, a *Ack) []byte {
	if len(a.Ranges) > MaxRanges {
		panic(fmt.Sprintf("BUG: wire: %d ranges in an ACK, at most %d are allowed", len(a.Ranges), MaxRanges))
	}
	delay := min(max(a.Delay, 0), MaxDelay)
	arrival := min(max(a.Arrival, 0), MaxArrival)
	b = appendVarint(b, uint64(delay/time.Microsecond))
	b = appendVarint(b, uint64(arrival/time.Microsecond))
	b = appendVarint(b, a.Credit)
	b = appendVarint(b, a.GrantMessages)
	b = appendVarint(b, a.GrantBytes)
	b = appendVarint(b, uint64(len(a.Ranges)))
	for i, r := range a.Ranges {
		if i == 0 {
			b = appendVarint(b, r.Largest)
		} else {
			b = appendVarint(b, missing(a.Ranges[i-1], r)-1)
		}
		b = appendVarint(b, rangeLen(r)-1)
	}
	return b
}

// missing returns how many numbers lie between two neighbouring ranges.
func missing(higher, lower Range) uint64 {
	if higher.Smallest < 2 || lower.Largest > higher.Smallest-2 {
		panic(fmt.Sprintf("BUG: wire: range %v does not lie apart below %v", lower, higher))
	}
	return higher.Smallest - lower.Largest - 1
}

func rangeLen(r Range) uint64 {
	if r.Smallest > r.Largest {
		panic(fmt.Sprintf("BUG: wire: range %v is upside down", r))
	}
	return r.Largest - r.Smallest + 1
}
