package link

import "time"

const (
	// unsentTime is how long what waits in our socket may take to leave it: whatever waits there can no longer be overtaken
	// by what is more urgent.
	unsentTime = 10 * time.Millisecond
	// leastUnsent and mostUnsent bound that, bytes. 8 KiB are a few segments, which the kernel needs to send at all; 256 KiB
	// keep a link of 1 Gbit/s busy for the 2 ms in which a busy machine may not run us.
	leastUnsent = 8 << 10
	mostUnsent  = 256 << 10
	// stalledWrite is how long a write takes that had to wait for the network.
	stalledWrite = time.Millisecond
)

// unsent decides how much may wait in our socket, by how fast the network takes it. The writer goroutine owns it.
type unsent struct {
	limit int // bytes
	bound func(limit int)
}

func newUnsent(bound func(limit int)) unsent { return unsent{mostUnsent, bound} }

// batch is how much is written at once.
func (u *unsent) batch() int { return min(u.limit, batchLimit) }

// wrote takes note that a write of n bytes took so long. One that did not wait tells something only if it was large.
func (u *unsent) wrote(n int, took time.Duration) {
	limit := u.limit
	switch {
	case took >= stalledWrite:
		limit = int(float64(n) * float64(unsentTime) / float64(took))
	case n >= u.batch()/2:
		limit = 2 * u.limit
	}
	limit = min(max(limit, leastUnsent), mostUnsent)
	if limit < u.limit-u.limit/4 || limit > u.limit+u.limit/4 {
		u.limit = limit
		u.bound(limit)
	}
}
