package path

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

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
	for _, stall := range []stream.Status{stalled(start, 0), stalled(after(200*second), 0)} {
		at := stall.Stalled.Add(second)
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
	s.Introduce(0, at.Add(second))
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
