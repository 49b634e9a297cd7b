package handshake

import "time"

// Bucket bounds the rate of answers to strangers: a token bucket, which starts full. When it is empty, nothing is
// answered. Owned by whoever made it.
type Bucket struct {
	interval time.Duration // in which one token comes back
	depth    time.Duration // in which an empty bucket fills up
	full     time.Time     // when the bucket will be full again
}

// NewBucket returns a bucket that allows burst answers at once and perSecond in the long run. Both are at least 1.
func NewBucket(perSecond, burst int) *Bucket {
	interval := time.Second / time.Duration(perSecond)
	return &Bucket{interval: interval, depth: interval * time.Duration(burst)}
}

// Allow takes a token, or reports that there is none. A clock that was set back empties the bucket and no more.
func (b *Bucket) Allow(now time.Time) bool {
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
