package stream

import "sync"

// A Block is memory for one whole packet's plaintext. It has one owner at a
// time, who hands it on or frees it.
type Block struct {
	bytes []byte
	pool  *Blocks
}

// Bytes is the memory, nil of a nil Block.
func (b *Block) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.bytes
}

// Free gives a Block back. A nil one was never taken.
func (b *Block) Free() {
	if b != nil {
		b.pool.recycled.Put(b)
	}
}

// Blocks recycles Blocks of one size between all streams that share it. What is
// in use is bounded by the buffers of these streams.
type Blocks struct {
	size     int
	recycled sync.Pool
}

// NewBlocks returns a source of Blocks that hold a plaintext of size bytes.
// They are no smaller than smallBlock, since copying less costs less than handing it
// on, and no larger than what every stream may hold: a Block is held for its
// last byte.
func NewBlocks(size int) *Blocks {
	b := &Blocks{size: min(max(size, smallBlock), baseBuffer)}
	b.recycled.New = func() any { return &Block{bytes: make([]byte, b.size), pool: b} }
	return b
}

func (b *Blocks) get() *Block { return b.recycled.Get().(*Block) }

// For returns a Block for a plaintext of n bytes, nil if that would waste
// memory: what is in a Block stays there until it was read.
func (b *Blocks) For(n int) *Block {
	if !b.filledBy(n) {
		return nil
	}
	return b.get()
}

// filledBy reports whether n bytes fit into a Block and fill at least 7/8 of it,
// so that a Block costs little more memory than what it holds.
func (b *Blocks) filledBy(n int) bool { return n >= b.size-b.size/8 && n <= b.size }
