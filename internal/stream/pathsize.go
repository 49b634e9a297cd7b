package stream

const (
	// minPacket is the smallest plaintext to which the search goes down: what
	// the smallest MaxMessageSize (512 bytes) leaves.
	minPacket = 512 - 28
	// blackHoleLosses of the same stretch, while only smaller packets pass,
	// mean that the broker drops messages of this size without a word; one more
	// each time that was found, since losses by chance look the same.
	blackHoleLosses = 3
)

// pathSize finds out how large a packet the broker passes. It watches the
// lowest unacknowledged offset: when packets that carry it get lost again and
// again and nothing of their size arrives meanwhile, it halves the limit. If
// something of almost their size arrives, which happens by chance as well, it
// takes that for the limit, which costs next to nothing.
type pathSize struct {
	limit    int    // largest plaintext, bytes
	overhead int    // of a packet around its plaintext, bytes
	head     uint64 // the offset that is watched
	losses   int    // how often it was lost
	halved   int    // how often the limit was
	largest  int    // size of the largest packet acknowledged since the first of these losses
	passed   int    // size of the largest packet acknowledged since the link came up
}

func (p *pathSize) onAck(size int) {
	p.largest = max(p.largest, size)
	p.passed = max(p.passed, size)
}

// onLoss takes note that a packet was lost which carried stream data up to end.
func (p *pathSize) onLoss(offset, end, una uint64, size int) {
	if offset > una || end <= una {
		return
	}
	if p.losses == 0 || p.head != una {
		p.head, p.losses, p.largest = una, 0, 0
	}
	p.losses++
	if p.losses < blackHoleLosses+p.halved || p.largest == 0 || p.largest >= size {
		return
	}
	if AsLarge(p.largest, size) {
		p.lower(p.largest - p.overhead)
	} else {
		// Before the peer gives credit no packet has more than baseBuffer, whatever the limit.
		p.lower(min(p.limit, max(size, baseBuffer)) / 2)
		p.halved++
	}
	p.losses = 0
}

// AsLarge reports whether a packet of size bytes is about as large as one of
// other bytes: full packets differ by the frames before their data.
func AsLarge(size, other int) bool { return size >= other-min(headroom, other/8) }

func (p *pathSize) lower(limit int) { p.limit = max(min(p.limit, limit), minPacket) }
