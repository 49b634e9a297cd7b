package path

import "time"

// This file is about going back to a path that stands earlier in the address.

// planReturn makes a dialer look for an earlier path at some time, but not while it rests. A listener follows it: both would
// go back in turns.
func (r *Route) planReturn(at time.Time) {
	if at.Before(r.rest) {
		at = r.rest
	}
	if r.dialer && r.current.Own() > 0 {
		r.returnAt = at
	}
}

// goBack moves to an earlier path that is steady, as the Conns of the two processes know, once it has answered this one.
func (r *Route) goBack(now time.Time) Step {
	earlier := r.set.earlier(r.current)
	p, steady := r.set.steady(earlier, now)
	if steady && r.answers.Has(p) && now.Sub(r.asked) <= answerTime {
		return r.move(p, ReasonReturn, now)
	}
	r.planReturn(now.Add(recheckPause))
	switch {
	case steady:
		return r.ask(Mask(0).With(p), now)
	case earlier != 0 && r.set.recheck(now):
		return r.ask(earlier, now)
	}
	return Step{}
}
