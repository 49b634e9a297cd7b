package path

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

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

// TestRestEndsWithAMove: who was moved away by a failure goes back as always.
func TestRestEndsWithAMove(t *testing.T) {
	s := returning(t)
	s.set.answer(after(20*second), Of(0, 0))
	s.set.answer(after(80*second), Of(0, 0))
	s.Expire(stream.Status{}, after(80*second))
	s.Answered(Of(0, 0), 100, s.round, after(80*second))
	s.want("back", s.Expire(stream.Status{}, after(80*second)), moved(Of(1, 1), Of(0, 0), ReasonReturn))
	s.want("the peer moved", s.Named(Of(1, 1), after(90*second)), moved(Of(0, 0), Of(1, 1), ReasonPeer))
	s.wantAt("on the second broker", stream.Status{}, after(110*second))
}

// TestOnlyEarlierPathsHurry the look for a way back.
func TestOnlyEarlierPathsHurry(t *testing.T) {
	s := newScene(t, 3, true)
	s.Named(Of(1, 1), start)
	s.set.answer(after(-time.Minute), Of(2, 2))
	s.Introduce(2, start)
	s.Answered(Of(2, 2), 100, s.round, start)
	s.wantAt("a later path is steady", stream.Status{}, after(20*second))
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
