package stream

// A stretch is stream data that lies where its packet was opened.
type stretch struct {
	offset uint64
	data   []byte
	block  *Block
}

// arrivals holds the data of large packets that came in order, in the Blocks
// they were opened into, so that it is copied only once, to the application.
// Stretches are disjoint and ascend; between them lies what the receiver copied
// into its buffer. Like that it is bounded by the credit that the peer was given.
type arrivals struct {
	stretches []stretch
	first     int // index of the first stretch that is not read
}

// usualStretches are what a stream keeps room for that is read empty again and
// again.
const usualStretches = 64

func (a *arrivals) push(s stretch) {
	if a.first > len(a.stretches)/2 && len(a.stretches) == cap(a.stretches) {
		kept := copy(a.stretches, a.stretches[a.first:])
		clear(a.stretches[kept:])
		a.stretches, a.first = a.stretches[:kept], 0
	}
	a.stretches = append(a.stretches, s)
}

// read copies to p what there is from offset on, and frees the Block whose end
// is reached. If offset lies below the first stretch it copies nothing, and
// before is the number of bytes below it.
func (a *arrivals) read(offset uint64, p []byte) (n int, before uint64) {
	if a.first == len(a.stretches) {
		return 0, 1<<64 - 1
	}
	s := &a.stretches[a.first]
	if offset < s.offset {
		return 0, s.offset - offset
	}
	rest := s.data[offset-s.offset:]
	if n = copy(p, rest); n == len(rest) {
		a.pop()
	}
	return n, 0
}

func (a *arrivals) pop() {
	a.stretches[a.first].block.Free()
	a.stretches[a.first] = stretch{}
	if a.first++; a.first < len(a.stretches) {
		return
	}
	if a.stretches, a.first = a.stretches[:0], 0; cap(a.stretches) > usualStretches {
		a.stretches = nil
	}
}

// count returns how many stretches wait to be read.
func (a *arrivals) count() int { return len(a.stretches) - a.first }

// release gives everything back.
func (a *arrivals) release() {
	for a.first < len(a.stretches) {
		a.pop()
	}
	a.stretches = nil
}
