package stream

import "sort"

const (
	// headroom is kept free before the data of a segment, in bytes, for the
	// frames that stand before it in a packet: a STREAM header and an ACK of
	// many ranges. A segment that fills a Block fills a packet with it.
	headroom = 128
	// minInPlace is the least data that is sealed from where it lies, bytes:
	// copying less costs as little.
	minInPlace = 4 << 10
	// usualSegments are what a stream holds of that is emptied again and again.
	usualSegments = 10
)

// A sendBuffer stores what was written, as the sender needs it: appended at its end,
// discarded at its beginning, and large packets contiguous, so that they are
// sealed from here. The sender bounds it.
type sendBuffer struct {
	blocks *Blocks
	list   []segment // ascending, each from where the one before ends
}

// write appends p at offset. packet is the size of a full packet's plaintext,
// and waiting how much is stored already.
func (s *sendBuffer) write(offset uint64, p []byte, packet, waiting int) {
	for len(p) > 0 {
		if n := len(s.list); n == 0 || len(s.list[n-1].data) == cap(s.list[n-1].data) {
			if s.list == nil {
				s.list = make([]segment, 0, usualSegments)
			}
			s.list = append(s.list, s.newSegment(offset, packet, waiting+len(p)))
		}
		last := &s.list[len(s.list)-1]
		n := min(len(p), cap(last.data)-len(last.data))
		last.data = append(last.data, p[:n]...)
		p = p[n:]
		offset += uint64(n)
		waiting += n
	}
}

// newSegment takes a Block if there is enough to fill half of it, and else a
// block: thousands of Conns that each hold a few bytes stay cheap.
func (s *sendBuffer) newSegment(start uint64, packet, waiting int) segment {
	pool := smallBlocks
	if waiting >= s.blocks.size/2 {
		pool = s.blocks
	}
	b := pool.get()
	size := len(b.bytes)
	if s.alike(packet) {
		size = min(size, packet)
	}
	return segment{start: start, data: b.bytes[headroom:headroom:size], block: b}
}

// alike reports whether a packet is about as large as a Block, so that it pays
// to make them the same.
func (s *sendBuffer) alike(packet int) bool { return s.blocks.filledBy(packet) }

// at returns the index of the segment that holds offset.
func (s *sendBuffer) at(offset uint64) int {
	return sort.Search(len(s.list), func(i int) bool { return s.list[i].end() > offset })
}

// read copies len(p) bytes from offset on, all of which were written.
func (s *sendBuffer) read(offset uint64, p []byte) {
	for i := s.at(offset); len(p) > 0; i++ {
		n := copy(p, s.list[i].data[offset-s.list[i].start:])
		p = p[n:]
		offset += uint64(n)
	}
}

// whole returns how many bytes from offset on, limit at most, end where a segment
// does; limit if that would leave most of a packet empty.
func (s *sendBuffer) whole(offset uint64, limit int) int {
	n := 0
	for i := s.at(offset); i < len(s.list); i++ {
		next := s.list[i].end() - offset
		if next > uint64(limit) {
			break
		}
		n = int(next)
	}
	if n < limit/4 {
		return limit
	}
	return n
}

// inPlace returns where the n bytes from offset on lie, with head free bytes
// before them; nil if they do not begin a segment, are in several, or too few.
func (s *sendBuffer) inPlace(offset uint64, n, head int) []byte {
	if n < minInPlace || head > headroom {
		return nil
	}
	p := &s.list[s.at(offset)]
	if offset != p.start || offset+uint64(n) > p.end() {
		return nil
	}
	return p.block.bytes[headroom-head : headroom+n]
}

// discard gives back the segments that end at or below offset.
func (s *sendBuffer) discard(offset uint64) {
	n := 0
	for n < len(s.list) && s.list[n].end() <= offset {
		s.list[n].block.Free()
		n++
	}
	kept := copy(s.list, s.list[n:])
	clear(s.list[kept:])
	s.list = s.list[:kept]
}

// release gives everything back.
func (s *sendBuffer) release() {
	for i := range s.list {
		s.list[i].block.Free()
	}
	if cap(s.list) > usualSegments {
		s.list = nil
	}
	clear(s.list)
	s.list = s.list[:0]
}
