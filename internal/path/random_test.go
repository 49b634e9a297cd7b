package path

import (
	"math/rand/v2"
	"slices"
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
	told   time.Time // the stall in which the peer was told by Resume that the path in use works
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

// took checks a Step and sends what it asks for. What a stream waits for on another path is a stall of its own.
func (w *walk) took(r *walker, s Step, event string, named ID) {
	w.t.Helper()
	if s.Moved != "" {
		w.moved(r, s, event, named)
		r.status = stream.Status{}
	} else if s.Resume {
		w.renewed(r, event)
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

// renewed checks that the peer is told once in a stall that the path in use works, which has answered in it.
func (w *walk) renewed(r *walker, event string) {
	w.t.Helper()
	since := r.status.Stalled
	if event != "expire" || since.IsZero() || since.Equal(r.told) || !w.answeredInStall(r, r.Current()) {
		w.errorf("%s: it tells that %v works, stalled since %v, and told of that since %v", event, r.Current(), since.Sub(start), r.told.Sub(start))
	}
	r.told = since
}

func (w *walk) moved(r *walker, s Step, event string, named ID) {
	w.t.Helper()
	if s.To != r.Current() || s.From == s.To || s.Resume != (s.Moved != ReasonPeer) || !w.links.IsUp(s.To.Own()) {
		w.errorf("%s: %+v, and it sends on %v", event, s, r.Current())
	}
	switch s.Moved {
	case ReasonDown:
		if w.links.IsUp(s.From.Own()) || w.hopeless(s.To) && event != "answered" {
			w.errorf("%s: it left %v for %v, whose links are up: %v", event, s.From, s.To, w.links.IsUp(s.From.Own()))
		}
	case ReasonPeer:
		if event != "named" || s.To != named {
			w.errorf("%s: the peer named %v, and it moved to %v", event, named, s.To)
		}
	case ReasonStall:
		if !w.answeredInStall(r, s.To) {
			w.errorf("%s: it left %v for %v, stalled %v ago", event, s.From, s.To, w.now.Sub(r.status.Stalled))
		}
	case ReasonReturn:
		if !r.dialer || s.To.Own() >= s.From.Own() || !w.provedForAMinute(s.To) || !w.answeredLately(r, s.To) {
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

// answeredInStall reports whether a path answered a question of this Route that it made since its path in use is taken for stalled.
func (w *walk) answeredInStall(r *walker, p ID) bool {
	if r.status.Stalled.IsZero() {
		return false
	}
	taken := r.status.Stalled.Add(max(stallTimeouts*r.status.ProbeTimeout, stallLeast))
	return slices.ContainsFunc(w.asked[p], func(c span) bool { return c.walker == r && !c.at.Before(taken) && !c.back.IsZero() })
}

// answeredLately reports whether a path answered a question of this Route in the time that one has for that.
func (w *walk) answeredLately(r *walker, p ID) bool {
	return slices.ContainsFunc(w.asked[p], func(c span) bool { return c.walker == r && !c.back.IsZero() && w.now.Sub(c.at) <= answerTime })
}

// hopeless reports whether a path was asked longer ago than an answer takes, and has never answered.
func (w *walk) hopeless(p ID) bool {
	asked := w.asked[p]
	return len(asked) > 0 && w.now.Sub(asked[0].at) > answerTime && !slices.ContainsFunc(asked, func(c span) bool { return !c.back.IsZero() })
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
			w.answer(p, *c)
		}
	}
}

// answer has a Route hear an answer. One that has no path takes it.
func (w *walk) answer(p ID, c span) {
	r := c.walker
	counts := c.round == r.round && r.open.Has(p) // else it is one too many
	none := !r.Works()
	if counts {
		w.counts(p, c)
	}
	step := r.Answered(p, 1000, c.round, w.now)
	if (step.Moved != "") != (counts && none) {
		w.errorf("an answer on %v that counts: %v, and that it had no path: %v, but %+v", p, counts, none, step)
	}
	w.took(r, step, "answered", 0)
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
			if r.Current().Own() == own {
				r.status = stream.Status{}
			}
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
		w.stays(r)
	}
}

// stays checks a Route whose link is down: those that are up have no path that may work, and it goes on asking.
func (w *walk) stays(r *walker) {
	if r.Works() || !w.links.Any() || w.n*w.peer == 1 {
		return
	}
	for own := range w.n {
		for peer := range w.peer {
			if p := Of(own, peer); w.links.IsUp(own) && !w.hopeless(p) {
				w.errorf("it stays on %v, whose link is down, and not on %v", r.Current(), p)
			}
		}
	}
	if at := r.Deadline(r.status); at.IsZero() || at.Sub(w.now) > maxAskPause {
		w.errorf("it has no path, and asks again at %v", at.Sub(start))
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
		s.answer(start, Of(0, 0), Of(1, 1), Of(1, 2), Of(2, 2))
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
