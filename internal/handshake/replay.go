package handshake

import (
	"container/heap"
	"time"
)

// InTime reports whether a hello's time is at most window away from the listener's clock, in either direction.
func InTime(hello, now time.Time, window time.Duration) bool {
	return now.Sub(hello).Abs() <= window
}

// HelloCapacity bounds the replay cache of hellos: 65,536 digests, about 8 MiB, are 3,000 hellos a second over a
// window of 10 s to both sides. When it is full, the entry that would expire first is forgotten. That is safe: a
// replayed hello costs work but never yields a connection, because its sender cannot compute the session keys.
const HelloCapacity = 65536

// ReplayCache remembers messages that have been seen until they expire. Owned by whoever made it.
type ReplayCache struct {
	capacity int // entries
	seen     map[[32]byte]struct{}
	order    expiryHeap // the same entries as seen, soonest to expire first
}

// NewReplayCache returns an empty cache for as many messages; one more makes the one forgotten that would expire
// first. Its memory grows with use and is never given back.
func NewReplayCache(capacity int) *ReplayCache {
	return &ReplayCache{capacity: capacity, seen: make(map[[32]byte]struct{})}
}

// Contains reports whether the digest is remembered.
func (c *ReplayCache) Contains(digest [32]byte, now time.Time) bool {
	for len(c.order) > 0 && now.After(c.order[0].expires) {
		c.forgetFirst()
	}
	_, ok := c.seen[digest]
	return ok
}

// Add reports whether the digest (see [Hello.Digest]) is new, and remembers it as long as now is not after
// expires. For a hello that is its time plus the window that [InTime] allows.
func (c *ReplayCache) Add(digest [32]byte, expires, now time.Time) bool {
	if c.Contains(digest, now) {
		return false
	}
	if len(c.order) == c.capacity {
		c.forgetFirst()
	}
	c.seen[digest] = struct{}{}
	heap.Push(&c.order, expiry{digest, expires})
	return true
}

func (c *ReplayCache) forgetFirst() {
	first := heap.Pop(&c.order).(expiry)
	delete(c.seen, first.digest)
}

type expiry struct {
	digest  [32]byte
	expires time.Time
}

// expiryHeap implements [heap.Interface].
type expiryHeap []expiry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h expiryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *expiryHeap) Push(x any)        { *h = append(*h, x.(expiry)) }

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
