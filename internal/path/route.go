package path

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

const (
	// stallTimeouts probe timeouts without any acknowledgement, and stallLeast at least, mean that a path may not work any more: less
	// than a second is what a busy machine or a broker that stores something takes.
	stallTimeouts = 3
	stallLeast    = time.Second
	// settle is how long a stalled Conn waits after another path answered: if all were silent it was the peer that had stopped, and
	// its acknowledgement on the path in use is as near as that answer.
	settle = 100 * time.Millisecond
	// askPause is the time from one question of a stalled Conn to the next, which doubles up to maxAskPause.
	askPause    = time.Second
	maxAskPause = 16 * time.Second
)

// Reasons for a move, for people.
const (
	ReasonDown   = "the connection to its broker is lost"
	ReasonStall  = "nothing came back on it"
	ReasonPeer   = "the other end moved"
	ReasonReturn = "an earlier broker of the address works again"
)

// A Route is which path a Conn sends on. Its owner, the Conn, serialises all calls.
type Route struct {
	set     *Set
	dialer  bool
	current ID
	told    bool   // the peer said which path it sends on
	moves   uint64 // to another path

	round      uint64 // of our last challenges
	asked      time.Time
	open       Mask   // challenged in this round, and not answered
	challenges Mask   // yet to be sent
	responses  Mask   // yet to be sent
	peerRound  uint64 // that they answer

	stall    time.Time     // which stall askAt belongs to
	askAt    time.Time     // when to look or ask again
	pause    time.Duration // between two questions
	returnAt time.Time     // when a dialer looks for an earlier path again; zero: there is none
}

// A Step is what to do after something happened to a Route.
type Step struct {
	Wake     Mask   // something has to be sent on these
	Moved    string // why the Conn sends on another path from now on; empty: it does not
	From, To ID     // that it sent and sends on
	Resume   bool   // the peer has to be told so
}

// NewRoute returns a Route that begins on a path, which may have ended meanwhile.
func NewRoute(set *Set, begin ID, dialer bool, now time.Time) Route {
	r := Route{set: set, dialer: dialer, current: begin}
	r.planReturn(now.Add(recheckPause))
	return r
}

// Current is the path to send on, Moves how often it changed, and Works whether its link is up here.
func (r *Route) Current() ID   { return r.current }
func (r *Route) Moves() uint64 { return r.moves }
func (r *Route) Works() bool   { return r.set.links.IsUp(r.current.Own()) }

// Single reports whether there is one path only.
func (r *Route) Single() bool { return r.set.single() }

// Limits are the largest payload that the peer takes on the path and the round trip there; 0: not known.
func (r *Route) Limits() (size int, rtt time.Duration) { return r.set.size(r.current) }

// Begin challenges all paths when a dialer's first Conn to a process begins.
func (r *Route) Begin(now time.Time) Step {
	if r.Single() || !r.dialer || !r.set.begin() {
		return Step{}
	}
	return r.ask(r.set.usable(), now)
}

// Introduce challenges the paths of a link that came up.
func (r *Route) Introduce(own uint8, now time.Time) Step {
	if r.Single() {
		return Step{}
	}
	return r.ask(r.set.ofLink(own), now)
}

// ask challenges paths. Questions close to each other are one round, so that the answers to all count.
func (r *Route) ask(m Mask, now time.Time) Step {
	if now.Sub(r.asked) > answerTime {
		r.round, r.asked, r.open = r.round+1, now, 0
	}
	r.open |= m
	r.challenges |= m
	r.set.challenge(m, now)
	return Step{Wake: m}
}

// Pending are the paths on which a challenge or an answer has to be sent.
func (r *Route) Pending() Mask { return r.challenges | r.responses }

// Take returns what has to be sent on a path: the round of a challenge, and of the challenge to answer.
func (r *Route) Take(p ID) (challenge, response uint64, challenges, responds bool) {
	challenges, responds = r.challenges.Has(p), r.responses.Has(p)
	r.challenges, r.responses = r.challenges.Without(p), r.responses.Without(p)
	return r.round, r.peerRound, challenges, responds
}

// Challenged takes in a challenge of the peer.
func (r *Route) Challenged(p ID, size int, round uint64, now time.Time) Step {
	if r.Single() || !r.set.valid(p) {
		return Step{}
	}
	if round != r.peerRound {
		r.responses, r.peerRound = 0, round
	}
	r.responses = r.responses.With(p)
	step := Step{Wake: Mask(0).With(p)}
	if r.set.challenged(p, size, now) {
		r.ask(step.Wake, now)
	}
	return step
}

// Answered takes in the answer to a challenge of ours.
func (r *Route) Answered(p ID, size int, round uint64, now time.Time) {
	if round != r.round || !r.open.Has(p) {
		return
	}
	r.open = r.open.Without(p)
	r.set.answered(p, size, now)
	if p != r.current {
		r.askAt = stream.Earlier(r.askAt, now.Add(settle))
	}
}

// Named takes in which path the peer says it sends on from now on, which is followed. What a dialer says first tells the
// listener which of its answers was taken, unless that has moved meanwhile.
func (r *Route) Named(p ID, now time.Time) Step {
	if !r.set.valid(p) || !r.set.links.IsUp(p.Own()) {
		return Step{}
	}
	first := !r.told && !r.dialer && r.moves == 0
	r.told = true
	switch {
	case p == r.current:
		return Step{}
	case first:
		r.current = p
		return Step{}
	}
	step := r.move(p, ReasonPeer, now)
	step.Resume = false
	return step
}

func (r *Route) move(to ID, why string, now time.Time) Step {
	step := Step{Moved: why, From: r.current, To: to, Resume: true}
	r.set.left(r.current)
	r.current = to
	r.moves++
	r.stall, r.askAt, r.returnAt = time.Time{}, time.Time{}, time.Time{}
	if why == ReasonReturn {
		r.planReturn(now.Add(steadyTime))
	} else {
		r.planReturn(now.Add(recheckPause))
	}
	return step
}

// Leave takes another path if the link of that in use is down, and another one is up.
func (r *Route) Leave(now time.Time) Step {
	if r.Single() || r.Works() {
		return Step{}
	}
	if p, ok := r.set.guess(r.current); ok {
		return r.move(p, ReasonDown, now)
	}
	return Step{}
}

// Deadline is when Expire has to be called; zero: not until something happens.
func (r *Route) Deadline(s stream.Status) time.Time {
	if r.Single() || !r.Works() {
		return time.Time{}
	}
	return stream.Earlier(r.stalledAt(s), r.returnAt)
}

// stalledAt is when to look for another path, because nothing came back on this one; zero: something did.
func (r *Route) stalledAt(s stream.Status) time.Time {
	if s.Stalled.IsZero() {
		return time.Time{}
	}
	at := s.Stalled.Add(max(stallTimeouts*s.ProbeTimeout, stallLeast))
	if s.Stalled.Equal(r.stall) && r.askAt.After(at) {
		at = r.askAt
	}
	return at
}

// Expire does what is due at now.
func (r *Route) Expire(s stream.Status, now time.Time) Step {
	if r.Single() || !r.Works() {
		return Step{}
	}
	if at := r.stalledAt(s); !at.IsZero() && !now.Before(at) {
		return r.stalled(s.Stalled, now)
	}
	if !r.returnAt.IsZero() && !now.Before(r.returnAt) {
		return r.goBack(now)
	}
	return Step{}
}

// stalled moves to a path that has answered since this one fell silent, or asks all.
func (r *Route) stalled(since, now time.Time) Step {
	if p, ok := r.set.working(r.current, since); ok {
		return r.move(p, ReasonStall, now)
	}
	if !since.Equal(r.stall) {
		r.stall, r.pause = since, askPause
	}
	r.askAt = now.Add(r.pause)
	r.pause = min(2*r.pause, maxAskPause)
	return r.ask(r.set.usable(), now)
}

// planReturn makes a dialer look for an earlier path at some time. A listener follows it: both would go back in turns.
func (r *Route) planReturn(at time.Time) {
	if r.dialer && r.current.Own() > 0 {
		r.returnAt = at
	}
}

func (r *Route) goBack(now time.Time) Step {
	earlier := r.set.earlier(r.current)
	if p, ok := r.set.steady(earlier, now); ok {
		return r.move(p, ReasonReturn, now)
	}
	r.planReturn(now.Add(recheckPause))
	if earlier != 0 && r.set.recheck(now) {
		return r.ask(earlier, now)
	}
	return Step{}
}
