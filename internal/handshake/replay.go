package handshake

import "time"

// InTime reports whether a hello's time is at most window away from the listener's clock, in either direction.
func InTime(hello, now time.Time, window time.Duration) bool {
	return now.Sub(hello).Abs() <= window
}

// HelloCapacity bounds the replay cache of hellos: 65,536 digests, about 4 MiB, are at least 1,600 hellos a second over
// a window of 10 s to both sides. Beyond that the older ones are forgotten early. That is safe: a replayed hello costs
// work but never yields a connection, because its sender cannot compute the session keys.
const HelloCapacity = 65536

// ReplayCache remembers the digests of messages in two generations, so that it forgets without looking at each. Owned
// by whoever made it.
type ReplayCache struct {
	lifetime      time.Duration
	capacity      int // of both generations
	recent, older map[[32]byte]struct{}
	since         time.Time // when recent began
}

// NewReplayCache returns an empty cache, which remembers a message for at least lifetime and at most twice as long,
// unless half of capacity came after it.
func NewReplayCache(lifetime time.Duration, capacity int) *ReplayCache {
	return &ReplayCache{lifetime: lifetime, capacity: capacity, recent: make(map[[32]byte]struct{})}
}

// Contains reports whether the digest is remembered.
func (c *ReplayCache) Contains(digest [32]byte, now time.Time) bool {
	if age := now.Sub(c.since); age > c.lifetime && age-c.lifetime > c.lifetime {
		c.turn(now)
		c.older = nil
	} else if age > c.lifetime {
		c.turn(c.since.Add(c.lifetime))
	}
	_, recent := c.recent[digest]
	_, older := c.older[digest]
	return recent || older
}

// Add reports whether the digest (see [Hello.Digest]) is new, and remembers it.
func (c *ReplayCache) Add(digest [32]byte, now time.Time) bool {
	if c.Contains(digest, now) {
		return false
	}
	if len(c.recent) >= c.capacity/2 {
		c.turn(now)
	}
	c.recent[digest] = struct{}{}
	return true
}

// turn begins a new generation and forgets the one before the last.
func (c *ReplayCache) turn(since time.Time) {
	c.older, c.recent, c.since = c.recent, make(map[[32]byte]struct{}), since
}
