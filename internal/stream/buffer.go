package stream

// smallBlock is the unit in which a buffer takes memory, in bytes. It is small
// enough that thousands of Conns that each hold a few bytes stay cheap, and large
// enough that a message of 32 KiB touches only two or three blocks.
const smallBlock = 16 << 10

// usualBlocks is room for the base buffer that every stream has, and kept by
// one that is emptied again and again.
const usualBlocks = baseBuffer/smallBlock + 1

// smallBlocks are shared by all streams of the process.
var smallBlocks = NewBlocks(smallBlock)

// A buffer stores bytes at absolute stream offsets and holds memory only for
// the blocks that were written and not yet discarded. It neither knows nor
// checks which bytes are valid: its owner does. It has no bound of its own;
// the receiver bounds it by the credit it gave.
type buffer struct {
	base   uint64   // offset of the first byte of blocks[0], a multiple of smallBlock
	blocks []*Block // nil where nothing was written yet
	held   int      // blocks that are not nil
}

// write stores p at offset, which is not below what was discarded.
func (b *buffer) write(offset uint64, p []byte) {
	if len(b.blocks) == 0 {
		b.base = offset - offset%smallBlock
	}
	if b.blocks == nil {
		b.blocks = make([]*Block, 0, usualBlocks)
	}
	if offset < b.base {
		b.extendDown(offset - offset%smallBlock)
	}
	for len(p) > 0 {
		n := copy(b.at(offset)[offset%smallBlock:], p)
		p = p[n:]
		offset += uint64(n)
	}
}

// at returns the block that holds offset, made if need be.
func (b *buffer) at(offset uint64) []byte {
	i := int((offset - b.base) / smallBlock)
	for len(b.blocks) <= i {
		b.blocks = append(b.blocks, nil)
	}
	if b.blocks[i] == nil {
		b.blocks[i] = smallBlocks.get()
		b.held++
	}
	return b.blocks[i].bytes
}

// extendDown makes room for data that arrived before what was stored first.
func (b *buffer) extendDown(base uint64) {
	missing := make([]*Block, (b.base-base)/smallBlock)
	b.blocks = append(missing, b.blocks...)
	b.base = base
}

// read copies len(p) bytes from offset on, all of which were written.
func (b *buffer) read(offset uint64, p []byte) {
	for len(p) > 0 {
		c := b.blocks[(offset-b.base)/smallBlock]
		n := copy(p, c.bytes[offset%smallBlock:])
		p = p[n:]
		offset += uint64(n)
	}
}

// discard gives back the blocks that lie wholly below offset.
func (b *buffer) discard(offset uint64) {
	if offset <= b.base {
		return
	}
	done := int(min((offset-b.base)/smallBlock, uint64(len(b.blocks))))
	b.free(b.blocks[:done])
	kept := copy(b.blocks, b.blocks[done:])
	clear(b.blocks[kept:])
	b.blocks = b.blocks[:kept]
	b.base += uint64(done) * smallBlock
}

// release gives back everything, as an idle or ended stream should.
func (b *buffer) release() {
	b.free(b.blocks)
	if cap(b.blocks) > usualBlocks {
		b.blocks = nil
	}
	clear(b.blocks)
	b.blocks = b.blocks[:0]
}

func (b *buffer) free(list []*Block) {
	for _, c := range list {
		if c != nil {
			c.Free()
			b.held--
		}
	}
}
