package path

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

const rtt = 10 * time.Millisecond

// A scene is one end of a Conn over several links, the paths of which the test answers for.
type scene struct {
	t     *testing.T
	links *Links
	set   *Set
	Route
}

// newScene returns one that begins on path 0-0 with so many links at each end, all up.
func newScene(t *testing.T, links int, dialer bool) *scene {
	l := linksUp(links)
	s := NewSet(l, uint8(links))
	return &scene{t: t, links: l, set: s, Route: NewRoute(s, 0, dialer, start)}
}

// want compares a Step.
func (s *scene) want(what string, got, want Step) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// wantAt checks that the Route wants to be called at a time, and that a nanosecond before it does nothing.
func (s *scene) wantAt(what string, status stream.Status, at time.Time) {
	s.t.Helper()
	if got := s.Deadline(status); !got.Equal(at) {
		s.t.Errorf("%s: the deadline is %v, want %v after the start", what, got.Sub(start), at.Sub(start))
	}
	if !at.IsZero() {
		s.want(what+", a nanosecond before", s.Expire(status, at.Add(-1)), Step{})
	}
}

// takeAll sends what is pending and returns the challenged paths.
func (s *scene) takeAll() (challenged Mask) {
	for s.Pending() != 0 {
		p, _ := s.Pending().First()
		if _, _, asks, _ := s.Take(p); asks {
			challenged = challenged.With(p)
		}
	}
	return challenged
}

// stallsAndMoves has the Conn move to a path that answers, because that in use is silent.
func (s *scene) stallsAndMoves(to ID, at time.Time) {
	s.t.Helper()
	status, want := stalled(at.Add(-6*second), 0), moved(s.Current(), to, ReasonStall)
	s.Expire(status, at.Add(-second))
	s.takeAll()
	s.Answered(to, 1000, s.round, at.Add(rtt-second))
	s.want("stalled", s.Expire(status, at), want)
}

func moved(from, to ID, why string) Step {
	return Step{Moved: why, From: from, To: to, Resume: why != ReasonPeer}
}

var allOfTwo = mask(Of(0, 0), Of(0, 1), Of(1, 0), Of(1, 1))

func TestBeginChallengesAllOnce(t *testing.T) {
	s := newScene(t, 2, true)
	s.want("begin", s.Begin(start), Step{Wake: allOfTwo})
	if got := s.takeAll(); got != allOfTwo {
		t.Errorf("%x is challenged", got)
	}
	second := NewRoute(s.set, 0, true, start)
	s.want("the second Conn", second.Begin(start), Step{})
	s.want("a listener", newScene(t, 2, false).Begin(start), Step{})
	s.want("a single path", newScene(t, 1, true).Begin(start), Step{})
}

func TestIntroduceChallengesTheLink(t *testing.T) {
	s := newScene(t, 2, false)
	s.want("link 1", s.Introduce(1, start), Step{Wake: mask(Of(1, 0), Of(1, 1))})
	s.want("a single path", newScene(t, 1, false).Introduce(0, start), Step{})
}

func TestTakeTellsWhatIsPendingOnce(t *testing.T) {
	s := newScene(t, 2, true)
	s.Introduce(1, start)
	s.Challenged(Of(1, 1), 100, 7, start)
	if got := s.Pending(); got != mask(Of(1, 0), Of(1, 1)) {
		t.Errorf("pending: %x", got)
	}
	for _, test := range []struct {
		p              ID
		asks, responds bool
	}{{Of(1, 1), true, true}, {Of(1, 1), false, false}, {Of(0, 0), false, false}, {Of(1, 0), true, false}} {
		challenge, response, asks, responds := s.Take(test.p)
		if asks != test.asks || responds != test.responds || challenge != 1 || response != 7 {
			t.Errorf("%v: round %d: %v, round %d: %v", test.p, challenge, asks, response, responds)
		}
	}
	if got := s.Pending(); got != 0 {
		t.Errorf("still pending: %x", got)
	}
}

// TestRoundsLastFiveSeconds: the answers to all questions in them count, and those of earlier ones do not.
func TestRoundsLastFiveSeconds(t *testing.T) {
	s := newScene(t, 2, true)
	round := func() uint64 { r, _, _, _ := s.Take(0); return r }
	s.Introduce(0, start)
	for _, test := range []struct {
		at   time.Duration
		want uint64
	}{{0, 1}, {answerTime, 1}, {answerTime + 1, 2}, {2*answerTime + 1, 2}, {2*answerTime + 2, 3}} {
		s.Introduce(1, after(test.at))
		if got := round(); got != test.want {
			t.Errorf("at %v: round %d, want %d", test.at, got, test.want)
		}
	}
	size := 0
	answers := func(p ID, round uint64, want bool) {
		t.Helper()
		size++
		s.Answered(p, size, round, after(2*answerTime+3))
		if got, _ := s.set.size(p); (got == size) != want {
			t.Errorf("an answer on %v to round %d counts: %v", p, round, !want)
		}
	}
	answers(Of(1, 1), 2, false)
	answers(Of(1, 1), 4, false)
	answers(Of(0, 0), 3, false) // which was asked in the first
	answers(Of(1, 1), 3, true)
	answers(Of(1, 1), 3, false) // again
}

func TestChallengesAreAnsweredAndReturned(t *testing.T) {
	s := newScene(t, 2, false)
	s.want("of an unknown path", s.Challenged(Of(1, 1), 100, 1, start), Step{Wake: mask(Of(1, 1))})
	if _, response, asks, responds := s.Take(Of(1, 1)); !asks || !responds || response != 1 {
		t.Errorf("asked: %v, answered: %v, round %d", asks, responds, response)
	}
	s.want("again", s.Challenged(Of(1, 1), 100, 1, after(second)), Step{Wake: mask(Of(1, 1))})
	if _, _, asks, responds := s.Take(Of(1, 1)); asks || !responds {
		t.Errorf("soon after asked: %v, answered: %v", asks, responds)
	}
	for _, p := range []ID{Of(2, 0), Of(0, 2), Of(7, 7)} {
		s.want("of a path that there is not", s.Challenged(p, 100, 1, start), Step{})
	}
	if s.Pending() != 0 {
		t.Errorf("pending: %x", s.Pending())
	}
	s.want("a single path", newScene(t, 1, false).Challenged(0, 100, 1, start), Step{})
}

// TestOnlyTheLastRoundIsAnswered: one answer names one round.
func TestOnlyTheLastRoundIsAnswered(t *testing.T) {
	s := newScene(t, 2, false)
	s.Challenged(Of(1, 0), 100, 1, start)
	s.Challenged(Of(1, 1), 100, 2, start)
	if _, _, _, responds := s.Take(Of(1, 0)); responds {
		t.Error("the earlier one is answered, with a round that it did not have")
	}
	if _, response, _, responds := s.Take(Of(1, 1)); !responds || response != 2 {
		t.Errorf("the later one is answered: %v, round %d", responds, response)
	}
}

func TestListenerLearnsTheFirstPathWithoutAMove(t *testing.T) {
	s := newScene(t, 2, false)
	s.want("first", s.Named(Of(1, 1), start), Step{})
	if s.Current() != Of(1, 1) || s.Moves() != 0 {
		t.Errorf("it sends on %v after %d moves", s.Current(), s.Moves())
	}
	s.want("then", s.Named(Of(0, 1), start), moved(Of(1, 1), Of(0, 1), ReasonPeer))
	s.want("the same again", s.Named(Of(0, 1), start), Step{})
	if s.Current() != Of(0, 1) || s.Moves() != 1 {
		t.Errorf("it sends on %v after %d moves", s.Current(), s.Moves())
	}
	dialer := newScene(t, 2, true)
	dialer.want("a dialer", dialer.Named(Of(1, 1), start), moved(Of(0, 0), Of(1, 1), ReasonPeer))
}

// TestListenerThatMovedBeforeItWasTold had a packet size and a round trip of the path that it left.
func TestListenerThatMovedBeforeItWasTold(t *testing.T) {
	s := newScene(t, 2, false)
	s.links.Down(0)
	s.want("its link ended", s.Leave(start), moved(Of(0, 0), Of(1, 1), ReasonDown))
	s.links.Up(0, after(second))
	s.want("told", s.Named(Of(0, 0), after(second)), moved(Of(1, 1), Of(0, 0), ReasonPeer))
}

func TestNamedPathsThatAreNotFollowed(t *testing.T) {
	s := newScene(t, 2, true)
	s.links.Down(1)
	for _, p := range []ID{Of(1, 0), Of(1, 1), Of(0, 2), Of(2, 0), Of(7, 7)} {
		s.want(p.String(), s.Named(p, start), Step{})
	}
	if s.Current() != 0 || s.Moves() != 0 {
		t.Errorf("it sends on %v after %d moves", s.Current(), s.Moves())
	}
	single := newScene(t, 1, false)
	single.want("a single path", single.Named(Of(0, 1), start), Step{})
	single.want("a single path", single.Named(0, start), Step{})
}

func TestLeave(t *testing.T) {
	s := newScene(t, 3, true)
	s.want("its link is up", s.Leave(start), Step{})
	s.links.Down(1)
	s.want("another link ended", s.Leave(start), Step{})
	s.links.Down(0)
	if s.Works() {
		t.Error("the path works")
	}
	s.want("its link ended", s.Leave(start), moved(Of(0, 0), Of(2, 1), ReasonDown))
	s.links.Down(2)
	s.want("no link is up", s.Leave(start), Step{})
	if s.Current() != Of(2, 1) || s.Moves() != 1 {
		t.Errorf("it sends on %v after %d moves", s.Current(), s.Moves())
	}
	single := newScene(t, 1, true)
	single.links.Down(0)
	single.want("a single path", single.Leave(start), Step{})
}

func TestChallengeOnALinkThatIsDown(t *testing.T) {
	s := newScene(t, 2, false)
	s.links.Down(1)
	s.want("down", s.Challenged(Of(1, 1), 100, 1, start), Step{})
	if size, _ := s.set.size(Of(1, 1)); s.Pending() != 0 || size != 0 {
		t.Errorf("pending: %x; its size is taken for %d", s.Pending(), size)
	}
}

func TestHopefulPathsOfARoute(t *testing.T) {
	s := newScene(t, 2, true)
	s.set.answer(start, Of(1, 1), Of(0, 1))
	s.links.Down(0)
	if got := s.Hopeful(); got != mask(Of(0, 0), Of(1, 1)) {
		t.Errorf("%x", got)
	}
	if got := newScene(t, 1, true).Hopeful(); got != mask(0) {
		t.Errorf("a single path: %x", got)
	}
}
