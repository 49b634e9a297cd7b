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

func TestStallBeginsAfterThreeProbeTimeoutsOrASecond(t *testing.T) {
	for _, test := range []struct{ probeTimeout, want time.Duration }{
		{0, second}, {second / 3, second}, {second/3 + 1, second + 2}, {2 * second, 6 * second},
	} {
		s := newScene(t, 2, true)
		since := after(5 * second)
		status := stalled(since, test.probeTimeout)
		s.wantAt("stalled", status, since.Add(test.want))
		s.want("stalled", s.Expire(status, since.Add(test.want)), Step{Wake: allOfTwo})
	}
}

func TestStallMovesToAPathThatAnswers(t *testing.T) {
	s := newScene(t, 2, false)
	status := stalled(start, 0)
	s.Expire(status, after(second))
	if got := s.takeAll(); got != allOfTwo {
		t.Errorf("%x is challenged", got)
	}
	s.wantAt("no answer yet", status, after(2*second))
	s.Answered(Of(1, 1), 100, 1, after(second+rtt))
	s.wantAt("answered", status, after(second+rtt+100*time.Millisecond))
	s.Answered(Of(1, 0), 100, 1, after(second+rtt+rtt))
	s.wantAt("answered on another, too", status, after(second+rtt+settle))
	s.want("settled", s.Expire(status, after(second+rtt+settle)), moved(Of(0, 0), Of(1, 0), ReasonStall))
	if s.Current() != Of(1, 0) || s.Moves() != 1 {
		t.Errorf("it sends on %v after %d moves", s.Current(), s.Moves())
	}
	s.wantAt("moved", stream.Status{}, time.Time{})
	s.wantAt("stalled there", stalled(after(2*second), 0), after(6*second))
}

// TestStallAfterAMoveTakesLonger for a minute, unless it left a link that had ended.
func TestStallAfterAMoveTakesLonger(t *testing.T) {
	for why, move := range map[string]func(s *scene){
		ReasonPeer:  func(s *scene) { s.Named(Of(0, 1), start); s.Named(Of(1, 1), start) },
		ReasonStall: func(s *scene) { s.stallsAndMoves(Of(1, 1), start) },
		ReasonDown:  func(s *scene) { s.links.Down(0); s.Leave(start) },
	} {
		s := newScene(t, 2, false)
		move(s)
		if s.Current() != Of(1, 1) {
			t.Fatalf("%s: it is on %v", why, s.Current())
		}
		least := 4 * second
		if why == ReasonDown {
			least = second
		}
		s.wantAt(why, stalled(after(time.Minute-1), 0), after(time.Minute-1+least))
		s.wantAt(why, stalled(after(time.Minute), 0), after(time.Minute+second))
	}
}

// TestPathInUseThatAnswers: the peer sends its acknowledgements elsewhere, and is told once. To ask again at once would be a storm.
func TestPathInUseThatAnswers(t *testing.T) {
	s := newScene(t, 2, true)
	status := stalled(start, 0)
	s.Expire(status, after(second))
	s.Answered(Of(1, 1), 100, 1, after(second+rtt))
	s.Answered(Of(0, 0), 100, 1, after(second+2*rtt))
	at := after(second + rtt + settle)
	s.wantAt("answered", status, at)
	s.want("told before anything else", s.Expire(status, at), Step{Resume: true})
	s.wantAt("then the other", status, at.Add(2*second))
	s.want("then the other", s.Expire(status, at.Add(2*second)), moved(Of(0, 0), Of(1, 1), ReasonStall))
	if s.Moves() != 1 {
		t.Errorf("%d moves", s.Moves())
	}
}

// TestPeerIsToldOnceInAStall, however often the path in use answers, and again in the next one.
func TestPeerIsToldOnceInAStall(t *testing.T) {
	s := newScene(t, 2, true)
	at := after(second)
	for _, stall := range []stream.Status{stalled(start, 0), stalled(after(200*second), 0)} {
		at = stall.Stalled.Add(second)
		s.want("stalled", s.Expire(stall, at), Step{Wake: allOfTwo})
		s.Answered(Of(0, 0), 100, s.round, at.Add(rtt))
		s.wantAt("answered", stall, at.Add(rtt+settle))
		at = at.Add(rtt + settle)
		s.want("answered", s.Expire(stall, at), Step{Resume: true})
		for _, pause := range []time.Duration{2, 2, 4, 8, 16, 16} {
			at = at.Add(pause * second)
			s.wantAt("told", stall, at)
			s.want("told", s.Expire(stall, at), Step{Wake: allOfTwo})
			s.Answered(Of(0, 0), 100, s.round, at.Add(rtt))
		}
	}
}

// TestStallThatEnds: all were silent because the peer had stopped, and the path in use answers as soon as another.
func TestStallThatEnds(t *testing.T) {
	s := newScene(t, 2, true)
	s.Expire(stalled(start, 0), after(second))
	s.Answered(Of(1, 1), 100, 1, after(second+rtt))
	s.wantAt("acknowledged", stream.Status{}, time.Time{})
	s.want("acknowledged", s.Expire(stream.Status{}, after(second+rtt+settle)), Step{})
	s.Expire(stalled(after(10*second), 0), after(11*second))
	s.wantAt("the next stall asks anew", stalled(after(10*second), 0), after(12*second))
}

// TestOnlyAnswersInTheStallCount, and those to this Conn: what answered before may have fallen silent with the path in use, and
// what answers another Conn is not seldom another's process.
func TestOnlyAnswersInTheStallCount(t *testing.T) {
	for name, answers := range map[string]func(s *scene){
		"before":                       func(s *scene) { s.set.answer(after(-second), Of(1, 1)) },
		"to another Conn":              func(s *scene) { s.set.answer(after(second/2), Of(1, 1)) },
		"just before it was looked at": func(s *scene) { s.Answered(Of(1, 1), 100, 1, after(second-1)) },
	} {
		s := newScene(t, 2, true)
		s.Introduce(1, after(second/2))
		s.takeAll()
		answers(s)
		status := stalled(start, 0)
		s.want(name, s.Expire(status, after(second)), Step{Wake: mask(Of(0, 0), Of(1, 1))})
		s.takeAll()
		s.Answered(Of(1, 0), 100, 1, after(second+rtt)) // to what was asked before
		s.wantAt(name, status, after(2*second))
		s.want(name, s.Expire(status, after(2*second)), Step{Wake: allOfTwo})
		s.Answered(Of(1, 1), 100, s.round, after(2*second+rtt))
		s.want(name, s.Expire(status, after(2*second+rtt+settle)), moved(Of(0, 0), Of(1, 1), ReasonStall))
	}
}

// TestStallAsksFirstWhatHasWorked, and all if nothing else has, or if that does not answer.
func TestStallAsksFirstWhatHasWorked(t *testing.T) {
	for _, test := range []struct {
		worked []ID
		down   []uint8
		first  Mask
	}{
		{nil, nil, allOfTwo},
		{[]ID{Of(0, 0)}, nil, allOfTwo},
		{[]ID{Of(0, 1)}, nil, mask(Of(0, 0), Of(0, 1))},
		{[]ID{Of(0, 0), Of(1, 1)}, nil, mask(Of(0, 0), Of(1, 1))},
		{[]ID{Of(1, 1)}, []uint8{1}, mask(Of(0, 0), Of(0, 1))},
	} {
		s := newScene(t, 2, false)
		s.set.answer(after(-second), test.worked...)
		for _, own := range test.down {
			s.links.Down(own)
		}
		s.want("first", s.Expire(stalled(start, 0), after(second)), Step{Wake: test.first})
		s.want("then", s.Expire(stalled(start, 0), after(2*second)), Step{Wake: s.set.usable()})
	}
}

func TestStallAsksWithDoublingPauses(t *testing.T) {
	s := newScene(t, 2, true)
	status := stalled(start, 0)
	at := after(second)
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 16, 16} {
		s.wantAt("stalled", status, at)
		s.want("stalled", s.Expire(status, at), Step{Wake: allOfTwo})
		at = at.Add(pause * second)
	}
	at = at.Add(-10 * second) // something was acknowledged before the next question was due
	status = stalled(at, 0)
	at = at.Add(second)
	for _, pause := range []time.Duration{1, 2} {
		s.wantAt("stalled again", status, at)
		s.want("stalled again", s.Expire(status, at), Step{Wake: allOfTwo})
		at = at.Add(pause * second)
	}
}

func TestOnlyUsablePathsAreAsked(t *testing.T) {
	s := newScene(t, 3, true)
	s.links.Down(1)
	want := s.set.usable()
	if want.OfLink(1) != 0 || want.OfLink(2) == 0 {
		t.Fatalf("usable: %x", want)
	}
	s.want("stalled", s.Expire(stalled(start, 0), after(second)), Step{Wake: want})
}

func TestNothingIsDueWithoutALink(t *testing.T) {
	s := newScene(t, 2, true)
	s.links.Down(0)
	status := stalled(start, 0)
	s.wantAt("its link ended", status, time.Time{})
	s.want("its link ended", s.Expire(status, after(time.Hour)), Step{})
	s.links.Down(1)
	s.wantAt("no link", status, time.Time{})
	s.want("no link", s.Expire(status, after(time.Hour)), Step{})
	s.want("no link", s.Leave(after(time.Hour)), Step{})
	s.wantAt("no link, and it looked for another", status, time.Time{})
	single := newScene(t, 1, true)
	single.wantAt("a single path", status, time.Time{})
	single.want("a single path", single.Expire(status, after(time.Hour)), Step{})
}

// blackOut is a scene in which the path in use has ended, and those whose link is up were asked for long and never answered.
func blackOut(t *testing.T) *scene {
	s := newScene(t, 2, true)
	s.Begin(start)
	s.takeAll()
	s.Answered(Of(0, 0), 100, 1, after(rtt))
	s.links.Down(0)
	return s
}

func TestConnWithoutAPathAsksWithDoublingPauses(t *testing.T) {
	s := blackOut(t)
	at := after(time.Minute)
	want := Step{Wake: mask(Of(1, 0), Of(1, 1))}
	s.want("its link ended", s.Leave(at), want)
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 16} {
		at = at.Add(pause * second)
		s.wantAt("no path", stalled(start, 0), at)
		s.want("no path", s.Expire(stalled(start, 0), at), want)
	}
	if s.Moves() != 0 || s.Works() {
		t.Errorf("after %d moves it works: %v", s.Moves(), s.Works())
	}
	s.links.Down(1)
	s.wantAt("no link", stalled(start, 0), time.Time{})
	s.links.Up(1, at)
	s.want("a link came up", s.Leave(at), want)
	s.wantAt("it asks anew", stream.Status{}, at.Add(second))
}

func TestConnWithoutAPathMovesOnTheFirstAnswer(t *testing.T) {
	s := blackOut(t)
	at := after(time.Minute)
	s.Leave(at)
	s.links.Up(0, at.Add(second)) // that of the path in use is back before
	s.want("it has a path", s.Answered(Of(1, 0), 100, s.round, at.Add(second)), Step{})
	s.links.Down(0)
	s.want("of a link that ended", s.Answered(Of(0, 1), 100, s.round, at.Add(second)), Step{})
	s.want("no path", s.Answered(Of(1, 1), 100, s.round, at.Add(2*second)), moved(Of(0, 0), Of(1, 1), ReasonDown))
	s.want("a path", s.Answered(Of(1, 0), 100, s.round, at.Add(2*second)), Step{})
	if s.Moves() != 1 {
		t.Errorf("%d moves", s.Moves())
	}
}

// TestConnsWithoutAPathDoNotMisleadEachOther: what one asks just now is none the less a path that never answered.
func TestConnsWithoutAPathDoNotMisleadEachOther(t *testing.T) {
	s := blackOut(t)
	second := NewRoute(s.set, 0, true, start)
	for i, r := range []*Route{&s.Route, &second, &s.Route, &second} {
		s.want("no path", r.Leave(after(time.Minute+time.Duration(i)*rtt)), Step{Wake: mask(Of(1, 0), Of(1, 1))})
	}
}

func TestLeaveToAPathThatMayYetAnswer(t *testing.T) {
	s := blackOut(t)
	s.want("asked just now", s.Leave(after(answerTime)), moved(Of(0, 0), Of(1, 1), ReasonDown))
	s = blackOut(t)
	s.want("asked for long", s.Leave(after(answerTime+1)), Step{Wake: mask(Of(1, 0), Of(1, 1))})
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
}

// returning is a scene in which a dialer left the first broker, whose paths had worked for long, at the start.
func returning(t *testing.T) *scene {
	s := newScene(t, 2, true)
	s.set.answer(after(-10*time.Minute), Of(0, 0), Of(1, 1))
	s.set.answer(start, Of(0, 0), Of(1, 1))
	s.Named(Of(1, 1), start)
	return s
}

func TestDialerGoesBackAfterAMinute(t *testing.T) {
	s := returning(t)
	for i, pause := range []time.Duration{20, 40, 60, 80} {
		at := after(pause * second)
		s.wantAt("on the second broker", stream.Status{}, at)
		s.want("recheck", s.Expire(stream.Status{}, at), Step{Wake: mask(Of(0, 0))})
		if got := s.takeAll(); got != mask(Of(0, 0)) {
			t.Errorf("recheck %d asks on %x", i, got)
		}
		s.Answered(Of(0, 0), 100, uint64(i+1), at.Add(rtt))
	}
	at := after(80*second + rtt)
	s.wantAt("on the second broker", stream.Status{}, at)
	s.want("a minute of answers", s.Expire(stream.Status{}, at), moved(Of(1, 1), Of(0, 0), ReasonReturn))
	s.wantAt("on the first", stream.Status{}, time.Time{})
}

// TestReturnWaitsForEveryAnswer: one that is missed begins the minute anew.
func TestReturnWaitsForEveryAnswer(t *testing.T) {
	s := returning(t)
	asked := 0
	for s.Moves() == 1 && asked < 20 {
		at := s.Deadline(stream.Status{})
		s.Expire(stream.Status{}, at)
		if s.takeAll() == 0 {
			continue
		}
		if asked++; asked != 3 {
			s.Answered(Of(0, 0), 100, uint64(asked), at.Add(rtt))
		}
	}
	// The 3rd is missed, which the 4th tells; its answer begins a minute that that of the 7th completes.
	if asked != 7 || s.Current() != Of(0, 0) {
		t.Errorf("after %d questions it is on %v", asked, s.Current())
	}
}

// TestReturnWaitsForAnAnswerToThisConn: that the path is steady may be another Conn's word, whose peer is somebody else.
func TestReturnWaitsForAnAnswerToThisConn(t *testing.T) {
	s := returning(t)
	s.set.answer(after(20*second), Of(0, 0))
	s.set.answer(after(80*second), Of(0, 0))
	for _, at := range []time.Duration{80, 100, 120} {
		s.want("steady", s.Expire(stream.Status{}, after(at*second)), Step{Wake: mask(Of(0, 0))})
		s.wantAt("no answer", stream.Status{}, after((at+20)*second))
		s.set.answer(after(at*second+rtt), Of(0, 0))
	}
	s.Expire(stream.Status{}, after(140*second))
	s.Answered(Of(0, 0), 100, s.round, after(140*second+answerTime))
	s.wantAt("answered", stream.Status{}, after(140*second+answerTime))
	s.want("answered", s.Expire(stream.Status{}, after(140*second+answerTime)), moved(Of(1, 1), Of(0, 0), ReasonReturn))
}

// TestOldAnswerIsNoWayBack: the path may be dead since.
func TestOldAnswerIsNoWayBack(t *testing.T) {
	s := returning(t)
	s.Expire(stream.Status{}, after(20*second))
	s.Answered(Of(0, 0), 100, s.round, after(20*second+rtt))
	s.set.answer(after(20*second+rtt+time.Minute), Of(0, 0))
	s.want("an answer of the last minute", s.Expire(stream.Status{}, after(90*second)), Step{Wake: mask(Of(0, 0))})
}

func TestTwoWaysBackAreAMinuteApart(t *testing.T) {
	s := newScene(t, 3, true)
	s.Named(Of(2, 2), start)
	s.set.answer(start, Of(0, 0), Of(1, 1))
	s.set.answer(after(40*second), Of(0, 0))
	s.set.answer(after(60*second), Of(1, 1))
	s.want("steady", s.Expire(stream.Status{}, after(60*second)), Step{Wake: mask(Of(1, 1))})
	s.Introduce(0, after(60*second))
	s.Answered(Of(1, 1), 100, s.round, after(60*second+rtt))
	s.want("to the second broker", s.Expire(stream.Status{}, after(60*second+rtt)), moved(Of(2, 2), Of(1, 1), ReasonReturn))
	s.Answered(Of(0, 0), 100, s.round, after(60*second+rtt+rtt))
	at := after(120*second + rtt)
	s.wantAt("the first broker is steady as well", stream.Status{}, at)
	s.want("a minute later", s.Expire(stream.Status{}, at), Step{Wake: mask(Of(0, 0))})
	s.Answered(Of(0, 0), 100, s.round, at.Add(rtt))
	s.wantAt("to the first", stream.Status{}, at.Add(rtt))
	s.want("to the first", s.Expire(stream.Status{}, at.Add(rtt)), moved(Of(1, 1), Of(0, 0), ReasonReturn))
}

// TestLinkOfAnEarlierPathMustBeUpForAMinute.
func TestLinkOfAnEarlierPathMustBeUpForAMinute(t *testing.T) {
	s := returning(t)
	s.links.Down(0)
	s.want("nothing to ask", s.Expire(stream.Status{}, after(20*second)), Step{})
	s.links.Up(0, after(30*second))
	for i, at := range []time.Duration{40, 60, 80} {
		s.want("recheck", s.Expire(stream.Status{}, after(at*second)), Step{Wake: mask(Of(0, 0))})
		s.Answered(Of(0, 0), 100, uint64(i+1), after(at*second))
	}
	s.want("answers for 40 s, up for 70 s", s.Expire(stream.Status{}, after(100*second)), Step{Wake: mask(Of(0, 0))})
	s.Answered(Of(0, 0), 100, 4, after(100*second))
	s.want("answers for a minute", s.Expire(stream.Status{}, after(100*second)), moved(Of(1, 1), Of(0, 0), ReasonReturn))
}

func TestListenerDoesNotGoBack(t *testing.T) {
	s := newScene(t, 2, false)
	s.Named(Of(1, 1), start)
	s.set.answer(start, Of(0, 0))
	s.set.answer(after(10*time.Minute), Of(0, 0))
	s.wantAt("on the second broker", stream.Status{}, time.Time{})
	s.want("long after", s.Expire(stream.Status{}, after(time.Hour)), Step{})
	first := newScene(t, 2, true)
	first.wantAt("a dialer on the first broker", stream.Status{}, time.Time{})
}

// TestDialThatBeganOnALaterBroker looks for an earlier one as well.
func TestDialThatBeganOnALaterBroker(t *testing.T) {
	s := newScene(t, 2, true)
	s.Route = NewRoute(s.set, Of(1, 0), true, start)
	s.wantAt("on the second broker", stream.Status{}, after(20*second))
	s.want("nothing has worked there", s.Expire(stream.Status{}, after(20*second)), Step{})
	s.set.answer(after(30*second), Of(0, 1))
	s.wantAt("on the second broker", stream.Status{}, after(40*second))
	s.want("something has", s.Expire(stream.Status{}, after(40*second)), Step{Wake: mask(Of(0, 1))})
}

// TestStallComesBeforeTheWayBack.
func TestStallComesBeforeTheWayBack(t *testing.T) {
	s := returning(t)
	status := stalled(after(16*second), 0)
	s.want("both are due", s.Expire(status, after(20*second)), Step{Wake: mask(Of(0, 0), Of(1, 1))})
	s.wantAt("then the way back", status, after(20*second))
}

// TestPathThatWasLeftHasToProveItselfAgain, whatever it had answered before: or a broker that is slow at times would be
// left and taken in turns.
func TestPathThatWasLeftHasToProveItselfAgain(t *testing.T) {
	for name, leave := range map[string]func(s *scene){
		"stalled":        func(s *scene) { s.stallsAndMoves(Of(1, 1), start) },
		"the peer moved": func(s *scene) { s.Named(Of(1, 1), start) },
	} {
		s := newScene(t, 2, true)
		s.set.answer(after(-10*time.Minute), Of(0, 0))
		s.set.answer(after(-time.Minute), Of(0, 0))
		leave(s)
		if s.Current() != Of(1, 1) {
			t.Fatalf("%s: it is on %v", name, s.Current())
		}
		s.want(name, s.Expire(stream.Status{}, after(20*second)), Step{Wake: mask(Of(0, 0))})
		s.Answered(Of(0, 0), 100, 1, after(20*second+rtt))
		s.want(name, s.Expire(stream.Status{}, after(40*second)), Step{Wake: mask(Of(0, 0))})
	}
}
