package stream

// A segment is a part of the stream, in memory of its own.
type segment struct {
	start uint64 // stream offset of data[0]
	data  []byte // part of block; in a sendBuffer its capacity is what more there is room for
	block *Block
}

func (s *segment) end() uint64 { return s.start + uint64(len(s.data)) }

// segmentQueue holds the data of large packets that came in order, in the Blocks
// they were opened into, so that it is copied only once, to the application.
// Segments are disjoint and ascend; between them lies what the receiver copied
// into its buffer. Like that it is bounded by the credit that the peer was given.
type segmentQueue struct {
	list  []segment
	first int // index of the first segment that is not read
}

// usualArrived are what a stream keeps room for that is read empty again and
// again.
const usualArrived = 64

func (a *segmentQueue) push(s segment) {
	if a.first > len(a.list)/2 && len(a.list) == cap(a.list) {
		kept := copy(a.list, a.list[a.first:])
		clear(a.list[kept:])
		a.list, a.first = a.list[:kept], 0
	}
	a.list = append(a.list, s)
}

// read copies to p what there is from offset on, and frees the Block whose end
// is reached. If offset lies below the first segment it copies nothing, and
// before is the number of bytes below it.
func (a *segmentQueue) read(offset uint64, p []byte) (n int, before uint64) {
	if a.first == len(a.list) {
		return 0, 1<<64 - 1
	}
	s := &a.list[a.first]
	if offset < s.start {
		return 0, s.start - offset
	}
	rest := s.data[offset-s.start:]
	if n = copy(p, rest); n == len(rest) {
		a.pop()
	}
	return n, 0
}

func (a *segmentQueue) pop() {
	a.list[a.first].block.Free()
	a.list[a.first] = segment{}
	if a.first++; a.first < len(a.list) {
		return
	}
	if a.list, a.first = a.list[:0], 0; cap(a.list) > usualArrived {
		a.list = nil
	}
}

// count returns how many list wait to be read.
func (a *segmentQueue) count() int { return len(a.list) - a.first }

// release gives everything back.
func (a *segmentQueue) release() {
	for a.first < len(a.list) {
		a.pop()
	}
	a.list = nil
}
