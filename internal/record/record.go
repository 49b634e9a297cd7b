// Package record seals and opens packets: AES-128-GCM under keys that ratchet forward, explicit packet numbers that are never used twice, replay
// rejection, and headers that look random to whoever lacks the key. The format (SPEC.md, "Packets"):
//
//	masked connection id (8) | protected packet number (4) | ciphertext | tag (16)
//
// The package is pure: no I/O, no goroutine, no lock, and time is a parameter. A [Sealer], an [Opener] and the
// method of a [Mask] are used by one goroutine at a time.
package record

import (
	"crypto/aes"
	"errors"
	"fmt"
)

// HeaderSize is how much of a packet stands before its ciphertext, in bytes: masked id and protected number.
const HeaderSize = idSize + numberSize

// Layout of a packet, in bytes.
const (
	idSize     = 8
	numberSize = 4
	tagSize    = 16
	// sampleSize is how much of the packet each of the two header masks is computed from: one AES block.
	sampleSize = aes.BlockSize
)

// Overhead is by how many bytes a packet is longer than its plaintext; no packet is shorter than this.
const Overhead = HeaderSize + tagSize

// MaxNumber is the last packet number, 2^62-1, so that every number is a variable-length integer of an ACK (RFC 9000, section 12.3).
const MaxNumber = 1<<62 - 1

// Why a packet was refused. Nothing but its bytes has changed: to the Opener it is as if the packet had never come.
var (
	// ErrShort: shorter than Overhead, so it is no packet of this protocol.
	ErrShort = fmt.Errorf("record: packet shorter than %d bytes", Overhead)
	// ErrReplay: its number was received before, or lies so far behind the newest that this is no longer known.
	ErrReplay = fmt.Errorf("record: packet number already received, or %d or more behind the newest", windowSize)
	// ErrEpoch: no key is held for its number; a late packet of a dropped epoch, or forged.
	ErrEpoch = errors.New("record: packet number of a key epoch that is neither the last, this nor the next")
	// ErrForged: it was not sealed by the peer for this connection, or was changed on its way.
	ErrForged = errors.New("record: packet not authentic")
)
