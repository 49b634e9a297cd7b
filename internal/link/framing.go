package link

import (
	"errors"
	"fmt"

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
	for i := 1; i < len(b); i++ {
		h.length |= int(b[i]&0x7F) << (7 * (i - 1))
		switch {
		case b[i] == 0 && i > 1:
			return header{}, 0, fmt.Errorf("%w: its length is not in the shortest form", errMalformed)
		case b[i] < 0x80:
			return h, i + 1, nil
		case i == maxHeader-1:
			return header{}, 0, fmt.Errorf("%w: its length has more than four bytes", errMalformed)
		}
	}
	return header{}, 0, nil
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
	b = append(b, h.kind<<4|h.flags)
	length := h.length
	for length >= 0x80 {
		b = append(b, byte(length)|0x80)
		length >>= 7
	}
	return append(b, byte(length))
}

// lengthSize returns the number of bytes that the remaining length n takes in a fixed header.
func lengthSize(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	default:
		return 4
	}
}
