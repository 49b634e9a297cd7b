package message

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"time"
)

// The layout of a packet (message/SPEC.md, "Sealed packet"), and nowhere else in the package:
//
//	IV          12 bytes   time (8, big-endian nanoseconds since 1970, UTC), random (4)
//	ciphertext   3 bytes   version (1), message size (2, big-endian)
//	             message, and zeros up to the pad size
//	tag         16 bytes
const (
	// MaxMessageSize is the largest message, in bytes: the size field has two.
	MaxMessageSize = 1<<16 - 1

	// Overhead is how many bytes a packet is longer than its message and padding.
	Overhead = ivSize + headSize + tagSize

	// MaxPacketSize is the largest packet of version 1, in bytes.
	MaxPacketSize = Overhead + MaxMessageSize

	protocolVersion = 1
	timeSize        = 8
	ivSize          = 12
	headSize        = 3
	tagSize         = 16
)

// An iv is what makes a packet unlike every other under its key, and where it was seen.
type iv struct {
	time   int64  // nanoseconds since 1970, UTC
	random uint32 // tells apart what several senders seal in the same nanosecond
	links  uint8  // a bit for each of a Session's links that it came by
}

func readIV(packet []byte) iv {
	return iv{time: int64(binary.BigEndian.Uint64(packet)), random: binary.BigEndian.Uint32(packet[timeSize:])}
}

// compare orders by time first.
func (v iv) compare(w iv) int {
	return cmp.Or(cmp.Compare(v.time, w.time), cmp.Compare(v.random, w.random))
}

// offset is v's time minus now, saturated.
func (v iv) offset(now time.Time) time.Duration { return time.Unix(0, v.time).Sub(now) }

// plaintext returns where head, message and padding stand in packet.
func plaintext(packet []byte) []byte { return packet[ivSize : len(packet)-tagSize] }

// putPlaintext fills plain, which is as long as head, message and padding together.
func putPlaintext(plain, message []byte) {
	plain[0] = protocolVersion
	binary.BigEndian.PutUint16(plain[1:], uint16(len(message)))
	clear(plain[headSize+copy(plain[headSize:], message):])
}

// readPlaintext returns the message within plain. It accepts exactly what putPlaintext makes.
func readPlaintext(plain []byte) ([]byte, error) {
	if plain[0] != protocolVersion {
		return nil, fmt.Errorf("%w %d: this is version %d", ErrVersion, plain[0], protocolVersion)
	}
	size, body := int(binary.BigEndian.Uint16(plain[1:])), plain[headSize:]
	if size > len(body) {
		return nil, errSize
	}
	for _, b := range body[size:] {
		if b != 0 {
			return nil, errPadding
		}
	}
	return body[:size:size], nil
}
