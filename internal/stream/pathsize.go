package stream

import "time"

const (
	// minPacket is the smallest plaintext to which the search goes down: what
	// the smallest MaxMessageSize (512 bytes) leaves.
	minPacket = 512 - 28
	// blackHoleLosses of the same segment, while only smaller packets pass,
	// mean that the broker drops messages of this size without a word; one more
	// each time that was found, since losses by chance look the same.
	blackHoleLosses = 3
	// countedLosses are added to blackHoleLosses where a service is known to drop
	// what is beyond a rate.
	countedLosses = 6
	// packetTime is how much of the path's time a packet takes: short enough
	// that others need not wait for it, long enough that its headers cost little.
	packetTime = 4 * time.Millisecond
	// initialPacket is the size of packets before the rate is known, so that
	// the first few are as much as TCP begins with (RFC 6928).
	initialPacket = 4 << 10
	// smallestFit is the smallest size that is chosen for a slow path.
	smallestFit = 2 << 10
)

// pathSize finds out how large a packet the broker passes. It watches the
// lowest unacknowledged offset: when packets that carry it get lost again and
// again and nothing of their size arrives meanwhile, it halves the limit. If
// something of almost their size arrives, which happens by chance as well, it
// takes that for the limit, which costs next to nothing.
type pathSize struct {
	most     int    // largest plaintext that there may be, bytes
	limit    int    // largest plaintext that the broker passes without a word, bytes
	fit      int    // plaintext that the rate of the path asks for, bytes
	paced    bool   // what is beyond a rate is dropped: messages may be counted
	counted  bool   // they are, it seems
	overhead int    // of a packet around its plaintext, bytes
	head     uint64 // the offset that is watched
	losses   int    // how often it was lost
	halved   int    // how often the limit was
	largest  int    // size of the largest packet acknowledged since the first of these losses
	passed   int    // size of the largest packet acknowledged on this path
}

func newPathSize(config Config) pathSize {
	return pathSize{most: config.MaxPacket, limit: config.MaxPacket, fit: initialPacket, overhead: config.Overhead}
}

// packet is the size of a full packet's plaintext.
func (p *pathSize) packet() int {
	if p.large() {
		return p.limit
	}
	return min(p.limit, p.fit)
}

// large reports whether each packet is as large as it can be.
func (p *pathSize) large() bool { return p.paced || p.counted }

// setPaced tells whether a pace is kept. Losses that came before are not due
// to the size then.
func (p *pathSize) setPaced(paced bool) {
	if paced && !p.paced {
		p.limit, p.losses, p.halved = p.most, 0, countedLosses
	}
	p.paced = paced
}

// wanted is the size of packets for a path that delivers so many bytes a second, and
// not so small that the messages granted do not fill it.
func (p *pathSize) wanted(rate float64, least int) int {
	return max(int(min(rate*packetTime.Seconds(), maxBuffer)), least, smallestFit)
}

// grows and shrinks report whether a size is so much larger, or smaller, than that of
// today that it is worth a change.
func (p *pathSize) grows(wanted int) bool   { return wanted > p.fit+p.fit/4 }
func (p *pathSize) shrinks(wanted int) bool { return wanted < p.fit-p.fit/4 }

func (p *pathSize) onAck(size int) {
	p.largest = max(p.largest, size)
	p.passed = max(p.passed, size)
}

// onLoss takes note that a packet was lost which carried stream data up to end.
// What passed once was not lost for its size.
func (p *pathSize) onLoss(offset, end, una uint64, size int) {
	if offset > una || end <= una || size <= p.passed {
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
		p.lower(min(p.limit, max(size, p.packet())) / 2)
		p.halved++
	}
	p.losses = 0
}

// AsLarge reports whether a packet of size bytes is about as large as one of
// other bytes: full packets differ by the frames before their data.
func AsLarge(size, other int) bool { return size >= other-min(headroom, other/8) }

func (p *pathSize) lower(limit int) {
	p.limit = max(min(p.limit, limit), minPacket)
	p.fit = min(p.fit, p.limit)
}

// bound lowers the size for good, for a broker that hangs up on larger packets.
func (p *pathSize) bound(most int) {
	p.lower(most)
	p.most = min(p.most, p.limit)
}
