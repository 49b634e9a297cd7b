package path

import (
	"testing"
	"time"
)

// answer has paths answer a challenge that is made now, after a round trip of 10 ms.
func (s *Set) answer(now time.Time, paths ...ID) {
	for _, p := range paths {
		s.challenge(mask(p), now.Add(-10*time.Millisecond))
		s.answered(p, 1000, now)
	}
}

func TestValidPaths(t *testing.T) {
	s := NewSet(linksUp(2), 3)
	for p := range ID(MaxLinks * MaxLinks) {
		if want := p.Own() < 2 && p.Peer() < 3; s.valid(p) != want {
			t.Errorf("%v: %v", p, !want)
		}
	}
	if s.Single() || !NewSet(linksUp(1), 1).Single() || NewSet(linksUp(1), 2).Single() || NewSet(linksUp(2), 1).Single() {
		t.Error("only one link at each end makes a single path")
	}
}

func TestUsablePathsHaveTheirLinkUp(t *testing.T) {
	links := linksUp(3)
	s := NewSet(links, 2)
	if got := s.usable(); got != mask(Of(0, 0), Of(0, 1), Of(1, 0), Of(1, 1), Of(2, 0), Of(2, 1)) {
		t.Errorf("all up: %x", got)
	}
	links.Down(1)
	if got := s.usable(); got != mask(Of(0, 0), Of(0, 1), Of(2, 0), Of(2, 1)) {
		t.Errorf("link 1 down: %x", got)
	}
}

func TestSetsBeginOnce(t *testing.T) {
	s := NewSet(linksUp(2), 2)
	if !s.begin() || s.begin() {
		t.Error("only the first Conn challenges all")
	}
}

func TestSizeAndRoundTripOfAPath(t *testing.T) {
	s := NewSet(linksUp(2), 2)
	wantSize := func(p ID, size int, rtt time.Duration) {
		t.Helper()
		if gotSize, gotRTT := s.size(p); gotSize != size || gotRTT != rtt {
			t.Errorf("%v takes %d bytes in %v, want %d in %v", p, gotSize, gotRTT, size, rtt)
		}
	}
	wantSize(Of(1, 0), 0, 0)
	s.challenge(mask(Of(1, 0)), start)
	s.answered(Of(1, 0), 4000, after(30*time.Millisecond))
	wantSize(Of(1, 0), 4000, 30*time.Millisecond)
	s.challenged(Of(1, 0), 3000, after(second))
	wantSize(Of(1, 0), 3000, 30*time.Millisecond)
	s.challenged(Of(0, 1), 2000, after(second))
	wantSize(Of(0, 1), 2000, 0)
	wantSize(Of(0, 0), 0, 0)
	if size, rtt := NewSet(linksUp(1), 1).size(0); size != 0 || rtt != 0 {
		t.Errorf("a single path: %d, %v", size, rtt)
	}
}

func TestPeersChallengeOfAnUnknownPath(t *testing.T) {
	p := Of(1, 1)
	for name, test := range map[string]struct {
		asked, answered time.Duration // 0: it was not
		at              time.Duration
		want            bool
	}{
		"never asked":                   {0, 0, second, true},
		"asked just now":                {second, 0, 6 * second, false},
		"asked, and no answer":          {second, 0, 6*second + 1, true},
		"answered just now":             {second, 2 * second, 7 * second, false},
		"answered some time ago":        {second, 2 * second, 7*second + 1, true},
		"answered early, asked again":   {8 * second, 2 * second, 13 * second, false},
		"answered early, asked in vain": {8 * second, 2 * second, 13*second + 1, true},
	} {
		s := NewSet(linksUp(2), 2)
		if test.answered > 0 {
			s.challenge(mask(p), after(test.answered-1))
			s.answered(p, 1, after(test.answered))
		}
		if test.asked > 0 && test.asked > test.answered {
			s.challenge(mask(p), after(test.asked))
		}
		if got := s.challenged(p, 1, after(test.at)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFirstIsThatOfTheDialersList(t *testing.T) {
	s := NewSet(linksUp(3), 3)
	if _, ok := s.first(0, true); ok {
		t.Error("the first of none")
	}
	both := mask(Of(1, 2), Of(2, 1))
	if p, ok := s.first(both, true); !ok || p != Of(1, 2) {
		t.Errorf("a dialer takes %v", p)
	}
	if p, ok := s.first(both, false); !ok || p != Of(2, 1) {
		t.Errorf("a listener takes %v", p)
	}
}

func TestHopefulPathsHaveWorkedAndAreUp(t *testing.T) {
	links := linksUp(3)
	s := NewSet(links, 3)
	s.challenge(mask(Of(1, 1), Of(2, 2)), after(second))
	if m := s.hopeful(); m != 0 {
		t.Errorf("before any answer: %b", m)
	}
	s.answered(Of(2, 2), 1, after(2*second))
	s.answered(Of(1, 1), 1, after(2*second))
	links.Down(1)
	if m := s.hopeful(); m != mask(Of(2, 2)) {
		t.Errorf("with link 1 down: %b", m)
	}
}

func TestGuess(t *testing.T) {
	for name, test := range map[string]struct {
		answered []ID
		down     []uint8
		ended    ID
		want     ID
		none     bool
	}{
		"nothing is known":                    {nil, []uint8{0}, Of(0, 0), Of(1, 1), false},
		"neither link of the one that ended":  {nil, []uint8{1}, Of(1, 0), Of(0, 1), false},
		"one that worked":                     {[]ID{Of(2, 0)}, []uint8{0}, Of(0, 0), Of(2, 0), false},
		"one that worked, with another link":  {[]ID{Of(1, 0), Of(2, 2)}, []uint8{0}, Of(0, 0), Of(2, 2), false},
		"the first of two that worked":        {[]ID{Of(1, 2), Of(2, 2)}, []uint8{0}, Of(0, 0), Of(1, 2), false},
		"one whose link is up":                {[]ID{Of(1, 1)}, []uint8{0, 1}, Of(0, 0), Of(2, 1), false},
		"neither link, though both are up":    {nil, nil, Of(0, 0), Of(1, 1), false},
		"the same link of ours is still up":   {[]ID{Of(0, 2)}, nil, Of(0, 0), Of(0, 2), false},
		"no link is up":                       {[]ID{Of(1, 1)}, []uint8{0, 1, 2}, Of(0, 0), 0, true},
		"the one that ended is never guessed": {[]ID{Of(0, 0)}, []uint8{1, 2}, Of(0, 0), Of(0, 1), false},
	} {
		links := linksUp(3)
		s := NewSet(links, 3)
		s.answer(after(second), test.answered...)
		for _, own := range test.down {
			links.Down(own)
		}
		if got, ok := s.guess(test.ended, true, after(time.Hour)); ok == test.none || ok && got != test.want {
			t.Errorf("%s: %v, %v; want %v", name, got, ok, test.want)
		}
	}
}

// TestGuessOfPathsThatDoNotAnswer: one that never did for 5 s is none, also while it is asked again; one that did once may.
func TestGuessOfPathsThatDoNotAnswer(t *testing.T) {
	s := NewSet(linksUp(2), 1)
	for _, test := range []struct {
		asks, looks time.Duration
		want        bool
	}{{0, 0, true}, {answerTime, answerTime, true}, {answerTime, answerTime + 1, false}, {time.Minute, time.Minute, false}} {
		s.challenge(mask(Of(1, 0)), after(test.asks))
		if _, ok := s.guess(Of(0, 0), true, after(test.looks)); ok != test.want {
			t.Errorf("%v after it was asked at first it is guessed: %v", test.looks, ok)
		}
	}
	s.answered(Of(1, 0), 1, after(2*time.Minute))
	s.challenge(mask(Of(1, 0)), after(3*time.Minute))
	if _, ok := s.guess(Of(0, 0), true, after(time.Hour)); !ok {
		t.Error("one that has worked is not guessed")
	}
}

// TestBothEndsTakeTheSamePath, whatever the order of their lists.
func TestBothEndsTakeTheSamePath(t *testing.T) {
	// both returns what either end knows when these paths have worked.
	both := func(works []ID) (dialer, listener *Set) {
		dialer, listener = NewSet(linksUp(3), 3), NewSet(linksUp(3), 3)
		for _, p := range works {
			dialer.answer(after(second), p)
			listener.answer(after(second), p.Reverse())
		}
		return dialer, listener
	}
	for _, works := range [][]ID{{Of(1, 2), Of(2, 1)}, {Of(0, 1), Of(1, 0), Of(2, 2)}, {Of(1, 0), Of(2, 0)}, {Of(0, 1), Of(0, 2)}, nil} {
		dialer, listener := both(works)
		a, ok := dialer.first(dialer.hopeful(), true)
		b, okToo := listener.first(listener.hopeful(), false)
		if ok != okToo || ok && a != b.Reverse() {
			t.Errorf("of %v the dialer takes %v, the listener %v", works, a, b)
		}
	}
	for _, works := range [][]ID{{Of(1, 2), Of(2, 1)}, {Of(2, 2), Of(2, 1)}, nil} {
		dialer, listener := both(works)
		dialer.links.Down(0)
		listener.links.Down(0)
		a, _ := dialer.guess(0, true, after(time.Hour))
		if b, _ := listener.guess(0, false, after(time.Hour)); a != b.Reverse() {
			t.Errorf("of %v the dialer guesses %v, the listener %v", works, a, b)
		}
	}
}

func TestEarlierPaths(t *testing.T) {
	links := linksUp(3)
	s := NewSet(links, 2)
	if m := s.earlier(Of(2, 0)); m != 0 {
		t.Errorf("none has worked, but %x", m)
	}
	s.answer(after(second), Of(0, 1), Of(1, 0), Of(2, 0), Of(2, 1))
	for p, want := range map[ID]Mask{Of(0, 0): 0, Of(0, 1): 0, Of(1, 0): mask(Of(0, 1)), Of(2, 1): mask(Of(0, 1), Of(1, 0))} {
		if m := s.earlier(p); m != want {
			t.Errorf("before %v: %x, want %x", p, m, want)
		}
	}
	links.Down(0)
	if m := s.earlier(Of(2, 1)); m != mask(Of(1, 0)) {
		t.Errorf("link 0 is down: %x", m)
	}
}

// TestSteadyPath has a path challenged every 20 s and looks when it has been steady for a minute.
func TestSteadyPath(t *testing.T) {
	p := Of(0, 0)
	for name, test := range map[string]struct {
		misses int           // the challenge, from 0, that is not answered; negative: none
		up     time.Duration // when the link came up
		want   int           // the first challenge at whose answer it is steady; then it stays so
		open   int           // the first challenge before whose answer it is
	}{
		"always answered":     {-1, 0, 3, 4},
		"the first is missed": {0, 0, 4, 5},
		"one is missed":       {2, 0, 6, 7},
		"the link is young":   {-1, 70 * second, 7, 7},
	} {
		links := NewLinks(2)
		links.Up(p.Own(), after(test.up))
		s := NewSet(links, 1)
		for i := range 10 {
			at := after(time.Duration(i) * 20 * second)
			s.challenge(mask(p), at)
			if _, ok := s.steady(mask(p), at); ok != (i >= test.open) {
				t.Errorf("%s: before challenge %d is answered steady: %v", name, i, ok)
			}
			if i == test.misses {
				continue
			}
			s.answered(p, 1, at)
			if _, ok := s.steady(mask(p), at); ok != (i >= test.want) {
				t.Errorf("%s: after challenge %d steady: %v", name, i, ok)
			}
		}
	}
}

// TestSilentPathIsNotSteady, however many Conns ask, and however often.
func TestSilentPathIsNotSteady(t *testing.T) {
	p := Of(0, 0)
	s := NewSet(linksUp(2), 1)
	s.answered(p, 1, start)
	s.answered(p, 1, after(time.Minute))
	s.challenge(mask(p), after(2*time.Minute))
	for _, wait := range []time.Duration{answerTime, answerTime + 1} {
		if _, ok := s.steady(mask(p), after(2*time.Minute+wait)); ok != (wait == answerTime) {
			t.Errorf("%v after a challenge steady: %v", wait, ok)
		}
	}
	for i := range 100 {
		at := after(2*time.Minute + time.Duration(i)*100*time.Millisecond)
		s.challenge(mask(p), at)
		if _, ok := s.steady(mask(p), at); ok != (i <= 50) {
			t.Errorf("%v after the first challenge steady: %v", at.Sub(after(2*time.Minute)), ok)
		}
	}
	s.answered(p, 1, after(3*time.Minute))
	if _, ok := s.steady(mask(p), after(3*time.Minute)); ok {
		t.Error("one answer, and it is steady")
	}
}

func TestSteadyToTheNanosecond(t *testing.T) {
	p := Of(0, 0)
	links := linksUp(2)
	links.Up(p.Own(), start)
	s := NewSet(links, 1)
	s.answered(p, 1, start)
	s.answered(p, 1, after(time.Minute-1))
	if _, ok := s.steady(mask(p), after(time.Hour)); ok {
		t.Error("steady a nanosecond early")
	}
	s.answered(p, 1, after(time.Minute))
	if got, ok := s.steady(mask(p, Of(1, 0)), after(time.Minute-1)); ok {
		t.Errorf("%v is steady though its link is not a minute up", got)
	}
	if got, ok := s.steady(mask(p, Of(1, 0)), after(time.Minute)); !ok || got != p {
		t.Errorf("after a minute: %v, %v", got, ok)
	}
	if _, ok := s.steady(mask(Of(1, 0)), after(time.Minute)); ok {
		t.Error("another path is steady")
	}
	s.left(Of(1, 0))
	if _, ok := s.steady(mask(p), after(time.Minute)); !ok {
		t.Error("a Conn left another path, and this one is not steady any more")
	}
	s.answered(Of(1, 0), 1, start)
	s.answered(Of(1, 0), 1, after(time.Minute))
	if got, ok := s.steady(mask(p, Of(1, 0)), after(time.Minute)); !ok || got != p {
		t.Errorf("the first of two: %v, %v", got, ok)
	}
	s.left(p)
	if _, ok := s.steady(mask(p), after(time.Minute)); ok {
		t.Error("a Conn left it, and it is still steady")
	}
}

// TestLateAnswerIsNoMiss: two challenges close to each other are one question, so that only one that had time to be
// answered counts as missed.
func TestLateAnswerIsNoMiss(t *testing.T) {
	for _, test := range []struct {
		again time.Duration
		want  bool
	}{{answerTime, true}, {answerTime + 1, false}} {
		p := Of(0, 0)
		s := NewSet(linksUp(2), 1)
		s.answered(p, 1, start)
		s.challenge(mask(p), after(50*second))
		s.challenge(mask(p), after(50*second+test.again))
		s.answered(p, 1, after(70*second))
		if _, ok := s.steady(mask(p), after(70*second)); ok != test.want {
			t.Errorf("asked again after %v without an answer, it is steady: %v", test.again, ok)
		}
	}
}

func TestRecheckIsForAllConns(t *testing.T) {
	s := NewSet(linksUp(2), 2)
	for _, test := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {0, false}, {20*second - 1, false}, {20 * second, true}, {39 * second, false}, {40 * second, true}} {
		if got := s.recheck(after(test.at)); got != test.want {
			t.Errorf("at %v: %v", test.at, got)
		}
	}
}
