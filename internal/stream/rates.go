package stream

import "time"

// ratesLife is how long a stream counts that says nothing more, at least; twice as long at
// most.
const ratesLife = 2 * time.Second

// rates are those of the streams on a path that have more to send than it takes. Each goes
// by their mean, and so they share the path alike: by its own rate each would defend what it
// has, and who came late would have less.
type rates struct {
	current, previous total     // of those that told theirs in this period, and in the one before and not since
	start             time.Time // of the period
	period            int
}

type total struct {
	sum   float64 // bytes a second
	count int
}

func (t *total) add(rate float64, count int) {
	t.sum += rate
	t.count += count
}

// A member is what counts of a stream, which owns it.
type member struct {
	of     *rates // nil: nothing does
	rate   float64
	period int // in which it told that
}

// turn begins another period when it is time.
func (r *rates) turn(now time.Time) {
	over := int(now.Sub(r.start) / ratesLife)
	if over == 0 {
		return
	}
	r.previous, r.current = r.current, total{}
	if over > 1 {
		r.previous = total{}
	}
	r.start = r.start.Add(time.Duration(over) * ratesLife)
	r.period += over
}

// join counts a stream and returns the mean.
func (r *rates) join(now time.Time, m *member, rate float64) (mean float64) {
	r.turn(now)
	r.current.add(rate, 1)
	*m = member{r, rate, r.period}
	return (r.current.sum + r.previous.sum) / float64(r.current.count+r.previous.count)
}

// leave counts a stream no longer.
func (m *member) leave() {
	r := m.of
	if r == nil {
		return
	}
	m.of = nil
	switch m.period {
	case r.period:
		r.current.add(-m.rate, -1)
	case r.period - 1:
		r.previous.add(-m.rate, -1)
	}
}
