package handshake

import "time"

// recentCapacity is how many messages a Recent remembers: more than an
// attacker is likely to have recorded of one kind, in a few hundred kilobytes.
const recentCapacity = 4096

// Recent bounds how often the same message is answered, so that a recorded one
// cannot use up what a Bucket has for everybody. It remembers 4,096 messages;
// one more makes the oldest forgotten. Owned by whoever made it.
type Recent struct {
	pause time.Duration
	times map[[32]byte]time.Time
	order [][32]byte // the same, oldest first
}

// NewRecent returns a Recent that allows the same message again after the
// pause; 0: never while it is remembered.
func NewRecent(pause time.Duration) *Recent {
	return &Recent{pause: pause, times: make(map[[32]byte]time.Time)}
}

// Known reports whether a message with this digest was answered already, and
// remembers nothing: for when something else may still forbid the answer.
func (r *Recent) Known(digest [32]byte, now time.Time) bool {
	last, known := r.times[digest]
	return known && (r.pause == 0 || now.Sub(last) < r.pause)
}

// Allow reports whether a message with this digest may be answered, and
// remembers that it was.
func (r *Recent) Allow(digest [32]byte, now time.Time) bool {
	if r.Known(digest, now) {
		return false
	}
	if _, known := r.times[digest]; !known {
		if len(r.order) == recentCapacity {
			delete(r.times, r.order[0])
			r.order = r.order[1:]
		}
		r.order = append(r.order, digest)
	}
	r.times[digest] = now
	return true
}
