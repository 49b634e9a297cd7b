package stream

import "time"

// leastLife is how long the smallest sample is believed, at least (BBR: 10 s).
// The sender empties the queue that it built far more often than that.
const leastLife = 10 * time.Second

// least is the smallest of the samples of the last one to two leastLife.
type least struct {
	current, previous time.Duration
	has, had          bool // whether there are a current and a previous one
	start             time.Time
}

func (l *least) sample(now time.Time, d time.Duration) {
	if now.Sub(l.start) > leastLife {
		l.previous, l.had, l.has, l.start = l.current, l.has, false, now
	}
	if !l.has || d < l.current {
		l.current, l.has = d, true
	}
}

// value is the smallest recent sample, 0 before the first.
func (l *least) value() time.Duration {
	if l.had && (!l.has || l.previous < l.current) {
		return l.previous
	}
	return l.current
}
