package stream

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// bufferModel keeps every byte that was written above base.
type bufferModel struct {
	base    uint64
	bytes   []byte
	written []bool
	low     uint64 // everything below was discarded
}

func (m *bufferModel) write(offset uint64, p []byte) {
	i := int(offset - m.base)
	for len(m.bytes) < i+len(p) {
		m.bytes, m.written = append(m.bytes, 0), append(m.written, false)
	}
	copy(m.bytes[i:], p)
	for j := range p {
		m.written[i+j] = true
	}
}

// from returns what was written without a hole from offset on, limit bytes at
// most.
func (m *bufferModel) from(offset uint64, limit int) []byte {
	i := int(offset - m.base)
	j := i
	for j < len(m.bytes) && m.written[j] && j < i+limit {
		j++
	}
	return m.bytes[min(i, j, len(m.bytes)):min(j, len(m.bytes))]
}

// needs reports whether anything was written in the block with this number
// and not discarded. The block where the discarding ended is needed too.
func (m *bufferModel) needs(number uint64) bool {
	if number == m.low/smallBlock {
		return true
	}
	for offset := max(number*smallBlock, m.low); offset < (number+1)*smallBlock; offset++ {
		if i := offset - m.base; i < uint64(len(m.written)) && m.written[i] {
			return true
		}
	}
	return false
}

// TestBufferAgainstModel writes, reads and discards at random, as sender and
// receiver do: nothing is written or read below what was discarded.
func TestBufferAgainstModel(t *testing.T) {
	seeds := uint64(100)
	if simtest.Race {
		seeds = 20
	}
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 0))
		base := random.Uint64() >> random.IntN(60) >> 1
		var b buffer
		m := &bufferModel{base: base, low: base}
		for range 100 {
			offset := m.low + random.Uint64N(5*smallBlock)
			switch random.IntN(4) {
			case 0, 1:
				p := make([]byte, random.IntN(1+random.IntN(2*smallBlock)))
				for i := range p {
					p[i] = byte(random.Uint32())
				}
				b.write(offset, p)
				m.write(offset, p)
			case 2:
				want := m.from(offset, 2*smallBlock)
				got := make([]byte, len(want))
				if b.read(offset, got); !bytes.Equal(got, want) {
					t.Fatalf("seed %d: %d bytes at %d differ", seed, len(want), offset)
				}
			case 3:
				m.low += random.Uint64N(4 * smallBlock)
				b.discard(m.low)
			}
			for i, c := range b.blocks {
				if number := b.base/smallBlock + uint64(i); c != nil && !m.needs(number) {
					t.Fatalf("seed %d: block %d is held for nothing", seed, number)
				}
			}
		}
		if b.release(); len(b.blocks) != 0 {
			t.Errorf("%d blocks after release", len(b.blocks))
		}
	}
}

func TestEmptyBuffer(t *testing.T) {
	var b buffer
	b.discard(1 << 40)
	b.read(5, nil)
	b.write(1<<62-1, nil)
	if b.release(); len(b.blocks) != 0 {
		t.Error("an empty buffer holds blocks")
	}
	b.write(1<<62-1, []byte{1})
	b.discard(1 << 62)
	if len(b.blocks) != 0 {
		t.Error("a block is held for a byte that was discarded")
	}
}
