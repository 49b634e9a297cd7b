package main

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// period is the length after which the content of a transfer repeats, in bytes: a prime, so that no two messages of a transfer
// are equal that lie fewer than period messages apart, and a message lost, doubled or out of order changes the checksum.
const period = 1_048_573

// maxPiece is the longest piece that contentAt returns, in bytes.
const maxPiece = 512 << 10

// content is what every transfer carries: the same bytes at the same offsets, for whichever client. Behind one period it
// begins again, so that every piece is contiguous.
var content = makeContent()

func makeContent() []byte {
	b := make([]byte, period, 2*period)
	rand.NewChaCha8([32]byte{}).Read(b)
	return append(b, b...)
}

// contentAt returns n bytes of the content from offset on.
func contentAt(offset int64, n int) []byte {
	start := offset % period
	return content[start : start+int64(n)]
}

// castagnoli is the polynomial that processors compute: at over 10 GB/s the check costs every client the same few per cent, where
// SHA-256 would hide the difference between them.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum checks what a transfer delivers. It belongs to the receiving goroutine.
type checksum struct {
	length int64
	sum    uint32
}

func (c *checksum) add(p []byte) {
	c.length += int64(len(p))
	c.sum = crc32.Update(c.sum, castagnoli, p)
}

// expected computes the checksum of the first length bytes of the content: before the clock of a transfer starts.
func expected(length int64) checksum {
	var c checksum
	for c.length < length {
		c.add(contentAt(c.length, int(min(maxPiece, length-c.length))))
	}
	return c
}

// verify compares what was delivered with what was sent.
func (c checksum) verify(want checksum) error {
	if c != want {
		return fmt.Errorf("the transfer is corrupt: %d bytes with checksum %08x arrived, %d with %08x were sent", c.length, c.sum, want.length, want.sum)
	}
	return nil
}
