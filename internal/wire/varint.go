package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	errTruncated  = errors.New("the packet ends inside the field")
	errNotMinimal = errors.New("the integer is not in its shortest form")
)

// varintLen returns the encoded size of v, 1, 2, 4 or 8 bytes (RFC 9000, section 16).
func varintLen(v uint64) int {
	switch {
	case v < 1<<6:
		return 1
	case v < 1<<14:
		return 2
	case v < 1<<30:
		return 4
	case v <= MaxInteger:
		return 8
	}
	panic(fmt.Sprintf("BUG: wire: integer %d is above 2^62-1", v))
}

// appendVarint appends v in its shortest form; the two highest bits of the first byte hold the base-2 logarithm of the size.
func appendVarint(b []byte, v uint64) []byte {
	switch varintLen(v) {
	case 1:
		return append(b, byte(v))
	case 2:
		return binary.BigEndian.AppendUint16(b, uint16(v)|1<<14)
	case 4:
		return binary.BigEndian.AppendUint32(b, uint32(v)|2<<30)
	default:
		return binary.BigEndian.AppendUint64(b, v|3<<62)
	}
}

// readVarint reads the integer at the beginning of b and returns it with its size.
func readVarint(b []byte) (v uint64, size int, err error) {
	if len(b) == 0 {
		return 0, 0, errTruncated
	}
	size = 1 << (b[0] >> 6)
	if len(b) < size {
		return 0, 0, errTruncated
	}
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:size] {
		v = v<<8 | uint64(c)
	}
	if varintLen(v) != size {
		return 0, 0, errNotMinimal
	}
	return v, size, nil
}
