package stream

import "time"

// leastLife is how long the smallest sample is believed, at least, and after how long
// without one as small the path is emptied to see it again (BBR: 10 s).
const leastLife = 10 * time.Second

// least is the smallest of the samples of the last one to two leastLife.
type least struct {
	current, previous time.Duration
	has, had          bool // whether there are a current and a previous one
	start             time.Time
	seen              time.Time // when a sample was last no larger than all before it, or was looked for
}

func (l *least) sample(now time.Time, d time.Duration) {
	if !l.has && !l.had || d <= l.value() {
		l.seen = now
	}
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

// look reports whether the smallest sample was not seen for so long that it has to be looked for
// now, before it is forgotten.
func (l *least) look(now time.Time) bool {
	if now.Sub(l.seen) <= leastLife {
		return false
	}
	l.seen = now
	return true
}
