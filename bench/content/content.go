// Package content is what transfers carry, and how what arrives is checked.
package content

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// Period is the length after which the content of a transfer repeats, in bytes: a prime, so that no two messages of a transfer
// are equal that lie fewer than Period messages apart, and a message lost, doubled or out of order changes the checksum.
const Period = 1_048_573

// MaxPiece is the longest piece that At returns, in bytes.
const MaxPiece = 512 << 10

// all is what every transfer carries: the same bytes at the same offsets, for whichever client. Behind one period it
// begins again, so that every piece is contiguous.
var all = makeContent()

func makeContent() []byte {
	b := make([]byte, Period, 2*Period)
	rand.NewChaCha8([32]byte{}).Read(b)
	return append(b, b...)
}

// At returns n bytes of the content from offset on.
func At(offset int64, n int) []byte {
	start := offset % Period
	return all[start : start+int64(n)]
}

// castagnoli is the polynomial that processors compute: at over 10 GB/s the check costs every client the same few per cent, where
// SHA-256 would hide the difference between them.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum checks what a transfer delivers. It belongs to the receiving goroutine.
type Checksum struct {
	Length int64
	sum    uint32
}

// Add takes note of the next bytes that were delivered.
func (c *Checksum) Add(p []byte) {
	c.Length += int64(len(p))
	c.sum = crc32.Update(c.sum, castagnoli, p)
}

// Expected computes the checksum of the first length bytes of the content: before the clock of a transfer starts.
func Expected(length int64) Checksum {
	var c Checksum
	for c.Length < length {
		c.Add(At(c.Length, int(min(MaxPiece, length-c.Length))))
	}
	return c
}

// Verify compares what was delivered with what was sent.
func (c Checksum) Verify(want Checksum) error {
	if c != want {
		return fmt.Errorf("the transfer is corrupt: %d bytes with checksum %08x arrived, %d with %08x were sent", c.Length, c.sum, want.Length, want.sum)
	}
	return nil
}
