package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	// maxHeader is the size of the largest fixed header, in bytes: one of type and flags, up to four of length (section 2.2).
	maxHeader = 5

	// maxLength is the largest remaining length that four bytes can say (section 2.2.3).
	maxLength = 1<<28 - 1

	flagsQoS = 0x06 // of PUBLISH (section 3.3.1)
)

// errMalformed is in the chain of every error about bytes that are not MQTT 3.1.1.
var errMalformed = errors.New("malformed MQTT packet")

// header is a fixed header (section 2.2).
type header struct {
	kind   byte // one of package packets' constants
	flags  byte // the lower four bits of the first byte
	length int  // of what follows the header, in bytes
}

// parseHeader reads the fixed header at the beginning of b and returns its size, 0 if b ends before the header does. It takes
// only what the standard allows, the shortest form of the length included, so that encoding again yields the same bytes.
func parseHeader(b []byte) (h header, size int, err error) {
	if len(b) == 0 {
		return header{}, 0, nil
	}
	h = header{kind: b[0] >> 4, flags: b[0] & 0x0F}
	if !validFlags(h) {
		return header{}, 0, fmt.Errorf("%w: first byte %#02x", errMalformed, b[0])
	}
	length, n := binary.Uvarint(b[1:min(len(b), maxHeader)])
	switch {
	case n == 0 && len(b) >= maxHeader:
		return header{}, 0, fmt.Errorf("%w: its length has more than four bytes", errMalformed)
	case n == 0:
		return header{}, 0, nil
	case n > 1 && b[n] == 0:
		return header{}, 0, fmt.Errorf("%w: its length is not in the shortest form", errMalformed)
	}
	h.length = int(length)
	return h, 1 + n, nil
}

// validFlags tells whether a packet of this type may have these flags (section 2.2.2).
func validFlags(h header) bool {
	switch h.kind {
	case 0, 15:
		return false // reserved
	case packets.Publish:
		return h.flags&flagsQoS != flagsQoS // there is no QoS 3
	case packets.Pubrel, packets.Subscribe, packets.Unsubscribe:
		return h.flags == 2
	default:
		return h.flags == 0
	}
}

// appendHeader appends the fixed header h to b.
func appendHeader(b []byte, h header) []byte {
	return binary.AppendUvarint(append(b, h.kind<<4|h.flags), uint64(h.length))
}

// lengthSize returns the number of bytes that the remaining length n takes in a fixed header.
func lengthSize(n int) int { return max(1, (bits.Len(uint(n))+6)/7) }
