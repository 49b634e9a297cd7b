package path

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// This file is about leaving a path: because its link has ended, or because nothing comes back on it.

// Leave takes another path if the link of that in use is down, and another one is up that has worked or may. If there is
// none it asks all.
func (r *Route) Leave(now time.Time) Step {
	if r.Single() || r.Works() {
		return Step{}
	}
	if p, ok := r.set.guess(r.current, r.dialer, now); ok {
		return r.move(p, ReasonDown, now)
	}
	return r.stalled(now, now)
}

// Deadline is when Expire has to be called; zero: not until something happens.
func (r *Route) Deadline(s stream.Status) time.Time {
	switch {
	case r.Single():
		return time.Time{}
	case r.set.usable() == 0:
		return time.Time{}
	case !r.Works():
		return r.askAt
	}
	return stream.Earlier(r.stalledAt(s), r.returnAt)
}

// stalledAt is when to look for another path, because nothing came back on this one; zero: something did.
func (r *Route) stalledAt(s stream.Status) time.Time {
	if s.Stalled.IsZero() {
		return time.Time{}
	}
	least := stallLeast
	if !r.chosen.IsZero() && s.Stalled.Sub(r.chosen) < steadyTime {
		least = stallAgain
	}
	at := s.Stalled.Add(max(stallTimeouts*s.ProbeTimeout, least))
	if s.Stalled.Equal(r.stall) && r.askAt.After(at) {
		at = r.askAt
	}
	return at
}

// Expire does what is due at now.
func (r *Route) Expire(s stream.Status, now time.Time) Step {
	switch at := r.stalledAt(s); {
	case r.Single():
		return Step{}
	case !r.Works():
		if stream.Passed(r.askAt, now) {
			return r.stalled(r.stall, now)
		}
		return Step{}
	case stream.Passed(at, now):
		return r.stalled(s.Stalled, now)
	}
	if stream.Passed(r.returnAt, now) {
		return r.goBack(now)
	}
	return Step{}
}

// stalled asks which paths work, at first those that have, and moves to one that has answered since. If that in use has it is
// the peer that sends on another, and has to be told.
func (r *Route) stalled(since, now time.Time) Step {
	paths := r.set.usable()
	if !since.Equal(r.stall) {
		r.newRound(now)
		r.stall, r.pause, r.renewed = since, askPause, false
		if worked := r.set.hopeful(); worked.Without(r.current) != 0 {
			paths = worked.With(r.current)
		}
	}
	if r.answers.Has(r.current) && !r.renewed {
		r.renewed = true
		r.askAt = now.Add(r.pause)
		return Step{Resume: true}
	}
	if p, ok := r.set.first(r.answers.Without(r.current)&paths, r.dialer); ok {
		return r.move(p, ReasonStall, now)
	}
	r.askAt = now.Add(r.pause)
	r.pause = min(2*r.pause, maxAskPause)
	return r.ask(paths, now)
}
