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
	// stallAgain is what it takes in the first minute on a path that was chosen while the last one worked, or may have: brokers that are
	// slow by turns, but deliver, are not left in turns.
	stallAgain = 4 * time.Second
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
	told    bool      // the peer said which path it sends on
	moves   uint64    // to another path
	chosen  time.Time // when it last moved though the link of the last path was up; zero: it did not

	round      uint64    // of our last challenges
	asked      time.Time // when it began
	open       Mask      // challenged in this round, and not answered
	answers    Mask      // that answered in this round
	challenges Mask      // yet to be sent
	responses  Mask      // yet to be sent
	peerRound  uint64    // that they answer

	stall    time.Time     // since when the path in use is silent, as far as it was dealt with; zero: it is not
	askAt    time.Time     // when to look or ask again because of that
	pause    time.Duration // between two questions
	renewed  bool          // the peer was told in this stall that the path in use works
	returnAt time.Time     // when a dialer looks for an earlier path again; zero: there is none
	rest     time.Time     // until when one that went back stays; zero: it did not, or moved since
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
func (r *Route) Single() bool { return r.set.Single() }

// Limits are the largest payload that the peer takes on the path and the round trip there; 0: not known.
func (r *Route) Limits() (size int, rtt time.Duration) { return r.set.size(r.current) }

// Begin challenges all paths when a dialer's first Conn to a process begins.
func (r *Route) Begin(now time.Time) Step {
	if r.Single() || !r.dialer || !r.set.begin() {
		return Step{}
	}
	return r.ask(r.set.usable(), now)
}

// Hopeful are the path in use and those whose link is up that have worked.
func (r *Route) Hopeful() Mask { return r.set.hopeful().With(r.current) }

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
		r.newRound(now)
	}
	r.open |= m
	r.challenges |= m
	r.set.challenge(m, now)
	return Step{Wake: m}
}

// newRound begins a round, in which nothing has answered yet.
func (r *Route) newRound(now time.Time) {
	r.round, r.asked, r.open, r.answers = r.round+1, now, 0, 0
}

// Pending are the paths on which a challenge or an answer has to be sent.
func (r *Route) Pending() Mask { return r.challenges | r.responses }

// Take returns what has to be sent on a path: the round of a challenge, and of the challenge to answer.
func (r *Route) Take(p ID) (challenge, response uint64, challenges, responds bool) {
	challenges, responds = r.challenges.Has(p), r.responses.Has(p)
	r.challenges, r.responses = r.challenges.Without(p), r.responses.Without(p)
	return r.round, r.peerRound, challenges, responds
}

// Challenged takes in a challenge of the peer. On a path whose link is down here there is no answering.
func (r *Route) Challenged(p ID, size int, round uint64, now time.Time) Step {
	if r.Single() || !r.set.valid(p) || !r.set.links.IsUp(p.Own()) {
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

// Answered takes in the answer to a challenge of ours. Where the Conn had no path it has one now.
func (r *Route) Answered(p ID, size int, round uint64, now time.Time) Step {
	if round != r.round || !r.open.Has(p) {
		return Step{}
	}
	r.open, r.answers = r.open.Without(p), r.answers.With(p)
	r.set.answered(p, size, now)
	if !r.Works() && r.set.links.IsUp(p.Own()) {
		return r.move(p, ReasonDown, now)
	}
	if p != r.current || !r.renewed {
		r.askAt = stream.Earlier(r.askAt, now.Add(settle))
	}
	if _, ok := r.set.steady(Mask(0).With(p)&r.set.earlier(r.current), now); ok {
		r.planReturn(now)
	}
	return Step{}
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
	r.stall, r.askAt, r.returnAt, r.renewed = time.Time{}, time.Time{}, time.Time{}, false
	if why != ReasonDown {
		r.chosen = now
	}
	r.rest = time.Time{}
	if why == ReasonReturn {
		r.rest = now.Add(steadyTime)
	}
	r.planReturn(now.Add(recheckPause))
	return step
}
