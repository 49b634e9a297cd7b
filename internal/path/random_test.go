package path

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// A walk is a Set with some Routes, to which random things happen. It keeps all that did, and compares each move with it.
type walk struct {
	t       *testing.T
	seed    uint64
	random  *rand.Rand
	links   *Links
	set     *Set
	n, peer uint8
	now     time.Time
	routes  []*walker

	dead    Mask             // these do not answer
	slow    bool             // answers take long
	asked   map[ID][]span    // challenges of all Routes, oldest first
	left    map[ID]time.Time // when a Route last left it
	returns map[*walker]time.Time
}

// A span is a challenge, and when it was answered.
type span struct {
	walker   *walker
	round    uint64
	at, back time.Time // back zero: it was not, yet
}

type walker struct {
	Route
	dialer bool
	status stream.Status
}

func newWalk(t *testing.T, seed uint64) *walk {
	w := &walk{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), now: start,
		asked: make(map[ID][]span), left: make(map[ID]time.Time), returns: make(map[*walker]time.Time)}
	w.n, w.peer = uint8(1+w.random.IntN(4)), uint8(1+w.random.IntN(4))
	w.links = NewLinks(int(w.n))
	w.set = NewSet(w.links, w.peer)
	for own := range w.n {
		w.links.Up(own, w.now)
	}
	dialer := w.random.IntN(2) == 0
	for range 1 + w.random.IntN(3) {
		r := &walker{Route: NewRoute(w.set, Of(uint8(w.random.IntN(int(w.n))), uint8(w.random.IntN(int(w.peer)))), dialer, w.now), dialer: dialer}
		w.routes = append(w.routes, r)
		w.took(r, r.Begin(w.now), "begin", 0)
	}
	return w
}

func (w *walk) errorf(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("seed %d, %v after the start: "+format, append([]any{w.seed, w.now.Sub(start)}, args...)...)
}

func (w *walk) anyPath() ID { return ID(w.random.IntN(MaxLinks * MaxLinks)) }

func (w *walk) valid(p ID) bool { return p.Own() < w.n && p.Peer() < w.peer }

func (w *walk) validPath() ID {
	return Of(uint8(w.random.IntN(int(w.n))), uint8(w.random.IntN(int(w.peer))))
}

// took checks a Step and sends what it asks for.
func (w *walk) took(r *walker, s Step, event string, named ID) {
	w.t.Helper()
	if s.Moved != "" {
		w.moved(r, s, event, named)
	} else if s.Resume {
		w.errorf("%s: it has to tell of a move that there was not", event)
	}
	if !w.valid(r.Current()) {
		w.errorf("%s: it sends on %v", event, r.Current())
	}
	if w.n*w.peer == 1 && (s != Step{} || r.Pending() != 0) {
		w.errorf("%s: with a single path %+v", event, s)
	}
	for r.Pending() != 0 {
		p, _ := r.Pending().First()
		round, _, asks, _ := r.Take(p)
		if !w.valid(p) {
			w.errorf("%s: something has to be sent on %v", event, p)
		}
		if asks {
			w.asked[p] = append(w.asked[p], span{walker: r, round: round, at: w.now})
		}
	}
}

func (w *walk) moved(r *walker, s Step, event string, named ID) {
	w.t.Helper()
	if s.To != r.Current() || s.From == s.To || s.Resume != (s.Moved != ReasonPeer) || !w.links.IsUp(s.To.Own()) {
		w.errorf("%s: %+v, and it sends on %v", event, s, r.Current())
	}
	switch s.Moved {
	case ReasonDown:
		if w.links.IsUp(s.From.Own()) {
			w.errorf("%s: it left %v, whose link is up", event, s.From)
		}
	case ReasonPeer:
		if event != "named" || s.To != named {
			w.errorf("%s: the peer named %v, and it moved to %v", event, named, s.To)
		}
	case ReasonStall:
		since := r.status.Stalled
		if since.IsZero() || w.now.Before(since.Add(max(stallTimeouts*r.status.ProbeTimeout, stallLeast))) || !w.answeredSince(s.To, since) {
			w.errorf("%s: it left %v for %v, stalled %v ago", event, s.From, s.To, w.now.Sub(since))
		}
	case ReasonReturn:
		if !r.dialer || s.To.Own() >= s.From.Own() || !w.provedForAMinute(s.To) {
			w.errorf("%s: it went back from %v to %v", event, s.From, s.To)
		}
		if last, ok := w.returns[r]; ok && w.now.Sub(last) < time.Minute {
			w.errorf("%s: it went back %v after the last time", event, w.now.Sub(last))
		}
		w.returns[r] = w.now
	default:
		w.errorf("%s: it moved because of %q", event, s.Moved)
	}
	if s.Moved != ReasonReturn {
		delete(w.returns, r) // the next is due to what happened
	}
	w.left[s.From] = w.now
}

// answeredSince reports whether a path was challenged since a time, and answered something since then.
func (w *walk) answeredSince(p ID, since time.Time) bool {
	asked, answered := false, false
	for _, c := range w.asked[p] {
		asked = asked || c.at.After(since)
		answered = answered || c.back.After(since)
	}
	return asked && answered
}

// provedForAMinute reports whether a path answered challenges at the beginning and the end of some minute, and no Route left it and its link was
// up in all of it, and later, and every challenge that had 20 s for it was answered.
func (w *walk) provedForAMinute(p ID) bool {
	begin := w.left[p]
	if up := w.links.Since(p.Own()); up.IsZero() || w.now.Sub(up) < time.Minute {
		return false
	}
	var first, last time.Time
	for _, c := range w.asked[p] {
		switch {
		case c.back.IsZero() && w.now.Sub(c.at) > 2*recheckPause && !w.askedAgainSoon(p, c):
			first = time.Time{}
		case !c.back.IsZero() && !c.back.Before(begin):
			if first.IsZero() {
				first = c.back
			}
			last = c.back
		}
	}
	return !first.IsZero() && last.Sub(first) >= time.Minute
}

// askedAgainSoon reports whether a challenge was answered with another one that came soon after it.
func (w *walk) askedAgainSoon(p ID, missed span) bool {
	for _, c := range w.asked[p] {
		if !c.back.IsZero() && c.back.After(missed.at) && c.back.Sub(missed.at) <= recheckPause {
			return true
		}
	}
	return false
}

// answers has challenges answered that are old enough.
func (w *walk) answers() {
	for p, asked := range w.asked {
		for i := range asked {
			c := &asked[i]
			if wait := w.now.Sub(c.at); !c.back.IsZero() || w.dead.Has(p) || !w.links.IsUp(p.Own()) || wait > 4*second || w.slow && wait < 2*second {
				continue
			}
			if c.round == c.walker.round && c.walker.open.Has(p) { // else it is one too many
				w.counts(p, *c)
			}
			c.walker.Answered(p, 1000, c.round, w.now)
		}
	}
}

// counts takes note of an answer, which is to all challenges of a round.
func (w *walk) counts(p ID, answered span) {
	for i := range w.asked[p] {
		if c := &w.asked[p][i]; c.walker == answered.walker && c.round == answered.round && c.back.IsZero() {
			c.back = w.now
		}
	}
}

// happens lets one random thing happen.
func (w *walk) happens() {
	r := w.routes[w.random.IntN(len(w.routes))]
	switch w.random.IntN(12) {
	case 0:
		w.down(uint8(w.random.IntN(int(w.n))))
	case 1, 2:
		own := uint8(w.random.IntN(int(w.n)))
		w.links.Up(own, w.now)
		for _, r := range w.routes {
			w.took(r, r.Leave(w.now), "link up", 0)
		}
		w.took(r, r.Introduce(own, w.now), "introduce", 0)
	case 3:
		p := w.anyPath()
		w.took(r, r.Named(p, w.now), "named", p)
	case 4:
		p := w.validPath()
		w.took(r, r.Named(p, w.now), "named", p)
	case 5:
		w.took(r, r.Challenged(w.anyPath(), 1000, w.random.Uint64N(5), w.now), "challenged", 0)
	case 6:
		w.dead = w.dead.With(w.validPath())
	case 7, 8:
		w.dead = w.dead.Without(w.validPath())
	case 9:
		w.slow = w.random.IntN(4) == 0
	case 10:
		r.status = stream.Status{Stalled: w.now, ProbeTimeout: time.Duration(w.random.IntN(600)) * time.Millisecond}
	case 11:
		r.status = stream.Status{}
	}
}

func (w *walk) down(own uint8) {
	w.links.Down(own)
	for _, r := range w.routes {
		w.took(r, r.Leave(w.now), "link down", 0)
		if w.n > 1 && w.links.Any() && !r.Works() {
			w.errorf("it stays on %v, whose link is down", r.Current())
		}
	}
}

// pass lets time pass, and has all Routes do what becomes due. Nothing is due twice at one time.
func (w *walk) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(100 * time.Millisecond) {
		w.answers()
		for _, r := range w.routes {
			at := r.Deadline(r.status)
			if at.IsZero() || w.now.Before(at) {
				if s := r.Expire(r.status, w.now); s != (Step{}) {
					w.errorf("before its deadline it did %+v", s)
				}
				continue
			}
			step := r.Expire(r.status, w.now)
			w.took(r, step, "expire", 0)
			if step.Moved != "" {
				r.status = stream.Status{}
			}
			if next := r.Deadline(r.status); !next.IsZero() && !next.After(w.now) && step.Moved == "" && r.status.Stalled.IsZero() {
				w.errorf("the same is due again: %v", next)
			}
		}
	}
}

// TestRandomWalks checks, whatever happens: no path that there is not, no move without its reason, nothing asked where
// there is nothing to choose, a way back at most once a minute and never for a listener.
func TestRandomWalks(t *testing.T) {
	for seed := range uint64(150) {
		w := newWalk(t, seed)
		for range 100 {
			w.happens()
			w.pass(time.Duration(w.random.Int64N(int64(8 * second))))
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestIdlePathsCostAHandfulAMinute for the paths by an earlier broker, however many Conns the two processes have. It has
// worked, and does not while they look.
func TestIdlePathsCostAHandfulAMinute(t *testing.T) {
	for _, answers := range []bool{false, true} {
		s := NewSet(linksUp(3), 3)
		s.answer(start, Of(0, 0))
		s.links.Up(0, after(time.Hour)) // and so is not steady
		var routes []*Route
		for i := range 100 {
			r := NewRoute(s, Of(1, 1), i%2 == 0, after(time.Duration(i)*100*time.Millisecond))
			routes = append(routes, &r)
		}
		asked := 0
		for now := start; now.Before(after(10 * time.Minute)); now = now.Add(second / 10) {
			for _, r := range routes {
				if at := r.Deadline(stream.Status{}); at.IsZero() || now.Before(at) {
					continue
				}
				r.Expire(stream.Status{}, now)
				if r.Pending() == 0 {
					continue
				}
				asked++
				if round, _, asks, _ := r.Take(Of(0, 0)); !asks || r.Pending() != 0 {
					t.Errorf("more than the path that has worked is asked: %x", r.Pending())
				} else if answers {
					r.Answered(Of(0, 0), 1000, round, now.Add(rtt))
				}
			}
		}
		if asked < 28 || asked > 30 {
			t.Errorf("%d challenges in ten minutes, answered: %v", asked, answers)
		}
	}
}
