package engine

import (
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

const (
	// hangTime is how soon after its largest packet a connection has to end
	// for the packet to be suspected.
	hangTime = time.Second
	// maxHangs such connections in a row lower the packet size.
	maxHangs = 2
	// limitLife is after how long without suspicion the packet size doubles
	// again, for Conns made from then on: the broker may be another one.
	limitLife = time.Hour
	// minLimit is the least to which hang-ups take the packet size, bytes.
	minLimit = 1 << 10
	// pushSize is the size up to which no packet is suspected, bytes: those that
	// only push are never acknowledged.
	pushSize = stream.PushSize + overhead
)

// hangs finds out whether the broker hangs up on large messages, as MQTT 3.1.1
// brokers do without a word. A connection that ends for another reason, however
// often, is not suspected if what it published was acknowledged. Guarded by
// Engine.mu, but for first and largest, which belong to the writer while the
// link is up, and passed, which the reader sets.
type hangs struct {
	connections int          // connections so far
	first       time.Time    // when this connection published the first packet of about the largest's size
	largest     int          // size of the largest packet that it published
	passed      atomic.Int64 // size of the largest packet that a peer acknowledged meanwhile
	row         int          // connections in a row that ended soon after that
	lowered     time.Time    // when the packet size was last lowered, or raised
}

func (h *hangs) begin() {
	h.connections++
	h.first, h.largest = time.Time{}, 0
	h.passed.Store(0)
}

// notePassed is told what was acknowledged on this connection.
func (h *hangs) notePassed(size int) {
	if int64(size) > h.passed.Load() {
		h.passed.Store(int64(size))
	}
}

// limit returns the packet size for the next connection, given that of the one
// that ended now and the largest there may be.
func (h *hangs) limit(size, largest int, now time.Time) int {
	switch {
	case h.end(size, now):
		h.lowered = now
		lower := min(size, h.largest) / 2
		if passed := int(h.passed.Load()); stream.AsLarge(passed, h.largest) {
			lower = passed
		}
		return min(size, max(lower, minLimit))
	case size < largest && now.Sub(h.lowered) >= limitLife:
		h.lowered = now
		return min(2*size, largest)
	}
	return size
}

// end reports whether the packet size is to blame. One about as large as the
// largest that was acknowledged is, if it was a full one.
func (h *hangs) end(size int, now time.Time) bool {
	passed := int(h.passed.Load())
	acquitted := passed >= h.largest || stream.AsLarge(passed, h.largest) && !stream.AsLarge(h.largest, size)
	if h.first.IsZero() || now.Sub(h.first) >= hangTime || acquitted {
		h.row = 0
		return false
	}
	h.row++
	if h.row < maxHangs {
		return false
	}
	h.row = 0
	return true
}

// note is told of every packet written. Streams begin with small ones.
func (h *hangs) note(size int, now time.Time) {
	if size > pushSize && !stream.AsLarge(h.largest, size) {
		h.first = now
	}
	h.largest = max(h.largest, size)
}
