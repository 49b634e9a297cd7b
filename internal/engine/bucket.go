package engine

import "time"

// A bucket bounds the rate of answers to messages that anybody may repeat: a
// token bucket, which starts full. When it is empty, nothing is answered. Owned
// by whoever made it.
type bucket struct {
	interval time.Duration // in which one token comes back
	depth    time.Duration // in which an empty bucket fills up
	full     time.Time     // when the bucket will be full again
}

// newBucket returns a bucket that allows burst answers at once and perSecond in
// the long run. Both are at least 1.
func newBucket(perSecond, burst int) *bucket {
	interval := time.Second / time.Duration(perSecond)
	return &bucket{interval: interval, depth: interval * time.Duration(burst)}
}

// allow takes a token, or reports that there is none. A clock that was set back
// empties the bucket and no more.
func (b *bucket) allow(now time.Time) bool {
	if b.full.Before(now) {
		b.full = now
	}
	if b.full.Sub(now) > b.depth {
		b.full = now.Add(b.depth)
	}
	if b.full.Sub(now)+b.interval > b.depth {
		return false
	}
	b.full = b.full.Add(b.interval)
	return true
}
