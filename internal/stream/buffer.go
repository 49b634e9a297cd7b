package stream

// chunkSize is the unit in which a buffer takes memory, in bytes. It is small
// enough that thousands of Conns that each hold a few bytes stay cheap, and large
// enough that a message of 32 KiB touches only two or three chunks.
const chunkSize = 16 << 10

// usualChunks is room for the base buffer that every stream has, and kept by
// one that is emptied again and again.
const usualChunks = baseBuffer/chunkSize + 1

// chunks are shared by all streams of the process.
var chunks = NewBlocks(chunkSize)

// A buffer stores bytes at absolute stream offsets and holds memory only for
// the chunks that were written and not yet discarded. It neither knows nor
// checks which bytes are valid: its owner does. It has no bound of its own;
// the receiver bounds it by the credit it gave.
type buffer struct {
	base   uint64   // offset of the first byte of chunks[0], a multiple of chunkSize
	chunks []*Block // nil where nothing was written yet
	held   int      // chunks that are not nil
}

// write stores p at offset, which is not below what was discarded.
func (b *buffer) write(offset uint64, p []byte) {
	if len(b.chunks) == 0 {
		b.base = offset - offset%chunkSize
	}
	if b.chunks == nil {
		b.chunks = make([]*Block, 0, usualChunks)
	}
	if offset < b.base {
		b.extendDown(offset - offset%chunkSize)
	}
	for len(p) > 0 {
		n := copy(b.at(offset)[offset%chunkSize:], p)
		p = p[n:]
		offset += uint64(n)
	}
}

// at returns the chunk that holds offset, made if need be.
func (b *buffer) at(offset uint64) []byte {
	i := int((offset - b.base) / chunkSize)
	for len(b.chunks) <= i {
		b.chunks = append(b.chunks, nil)
	}
	if b.chunks[i] == nil {
		b.chunks[i] = chunks.get()
		b.held++
	}
	return b.chunks[i].bytes
}

// extendDown makes room for data that arrived before what was stored first.
func (b *buffer) extendDown(base uint64) {
	missing := make([]*Block, (b.base-base)/chunkSize)
	b.chunks = append(missing, b.chunks...)
	b.base = base
}

// read copies len(p) bytes from offset on, all of which were written.
func (b *buffer) read(offset uint64, p []byte) {
	for len(p) > 0 {
		c := b.chunks[(offset-b.base)/chunkSize]
		n := copy(p, c.bytes[offset%chunkSize:])
		p = p[n:]
		offset += uint64(n)
	}
}

// discard gives back the chunks that lie wholly below offset.
func (b *buffer) discard(offset uint64) {
	if offset <= b.base {
		return
	}
	done := int(min((offset-b.base)/chunkSize, uint64(len(b.chunks))))
	b.free(b.chunks[:done])
	kept := copy(b.chunks, b.chunks[done:])
	clear(b.chunks[kept:])
	b.chunks = b.chunks[:kept]
	b.base += uint64(done) * chunkSize
}

// release gives back everything, as an idle or ended stream should.
func (b *buffer) release() {
	b.free(b.chunks)
	if cap(b.chunks) > usualChunks {
		b.chunks = nil
	}
	clear(b.chunks)
	b.chunks = b.chunks[:0]
}

func (b *buffer) free(list []*Block) {
	for _, c := range list {
		if c != nil {
			c.Free()
			b.held--
		}
	}
}
