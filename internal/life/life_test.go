package life

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// A scene is a Life at the start, with nothing due before its deadline.
type scene struct {
	name     string
	make     func() *Life
	closed   bool
	deadline time.Duration
}

var (
	halfOpen    = &scene{"half-open", func() *Life { return newLife() }, false, 30 * time.Second}
	unconfirmed = &scene{"unconfirmed", func() *Life { return newLife(dialer) }, false, 30 * time.Second}
	inUse       = &scene{"open", func() *Life { return open() }, false, never}
	closing     = &scene{"closing", func() *Life { l := open(); l.Close(start); return l }, true, 30 * time.Second}
	failed      = &scene{"time-wait", func() *Life { l := open(); l.Violated(start); return l }, false, 10 * time.Second}
	finished    = &scene{"closed, time-wait", func() *Life { l := open(); l.Abort(CodeUnused, start); return l }, true, 10 * time.Second}
	gone        = &scene{"over", func() *Life { l := open(); l.Gone(stream.Status{}, start); return l }, false, never}

	scenes = []*scene{halfOpen, unconfirmed, inUse, closing, failed, finished, gone}
)

func TestScenes(t *testing.T) {
	for i, want := range []State{HalfOpen, Open, Open, Closing, TimeWait, TimeWait, Over} {
		l := scenes[i].make()
		if l.State() != want || l.Closed() != scenes[i].closed || until(l.Deadline(settled)) != scenes[i].deadline {
			t.Errorf("%s: %v, closed: %v, deadline %v", scenes[i].name, l.State(), l.Closed(), until(l.Deadline(settled)))
		}
		if l.MaySend() != (want == Open || want == Closing || want == TimeWait) {
			t.Errorf("%s: MaySend is %v", scenes[i].name, l.MaySend())
		}
		if l.Done() != (scenes[i] == finished) {
			t.Errorf("%s: Done is %v", scenes[i].name, l.Done())
		}
		if l.ExpectsPeer(settled) || l.ExpectsPeer(stream.Status{}) != (want == Open || want == Closing) {
			t.Errorf("%s: ExpectsPeer is wrong", scenes[i].name)
		}
	}
}

// An outcome is what an event a second after the start leads to.
type outcome struct {
	step     Step
	state    State
	deadline time.Duration
}

// fails is the outcome of a failure of which the peer is told, dies that of one of
// which it cannot be told.
func fails(why Failure, code Code) outcome {
	return outcome{Step{Fail: why, Reset: code, Enter: TimeWait}, TimeWait, 11 * time.Second}
}

func dies(why Failure) outcome {
	return outcome{Step{Fail: why, Drop: true, Enter: Over}, Over, never}
}

var (
	leaves  = outcome{Step{Enter: Over}, Over, never}
	lingers = outcome{Step{Close: true}, Closing, 31 * time.Second}
	asks    = outcome{Step{Ping: true}, Open, never}
)

// everywhere returns the same outcome for several scenes.
func everywhere(o outcome, scenes ...*scene) map[*scene]outcome {
	m := make(map[*scene]outcome)
	for _, s := range scenes {
		m[s] = o
	}
	return m
}

// but returns m with other outcomes for some.
func but(m map[*scene]outcome, others map[*scene]outcome) map[*scene]outcome {
	for s, o := range others {
		m[s] = o
	}
	return m
}

// events are all that can happen. What is not listed changes nothing.
var events = map[string]struct {
	happen func(l *Life, now time.Time) Step
	closes bool // the application has closed the Conn then
	hears  bool // an open question is closed, whatever the state
	want   map[*scene]outcome
}{
	"Hear": {func(l *Life, now time.Time) Step { return l.Hear(false, now) }, false, true, map[*scene]outcome{
		halfOpen:    {Step{Proved: true}, Open, never},
		unconfirmed: {Step{}, Open, never},
	}},
	"Close": {func(l *Life, now time.Time) Step { return l.Close(now) }, true, false,
		but(everywhere(lingers, unconfirmed, inUse), everywhere(leaves, halfOpen))},
	"Abort": {func(l *Life, now time.Time) Step { return l.Abort(CodeAborted, now) }, true, false,
		everywhere(fails(Aborted, CodeAborted), halfOpen, unconfirmed, inUse, closing)},
	"Abort of what nobody accepts": {func(l *Life, now time.Time) Step { return l.Abort(CodeUnused, now) }, true, false,
		everywhere(fails(Aborted, CodeUnused), halfOpen, unconfirmed, inUse, closing)},
	"Violated": {func(l *Life, now time.Time) Step { return l.Violated(now) }, false, false,
		everywhere(fails(Violation, CodeProtocol), halfOpen, unconfirmed, inUse, closing)},
	"Revoke": {func(l *Life, now time.Time) Step { return l.Revoke(now) }, false, false,
		but(everywhere(fails(Revoked, CodeRevoked), unconfirmed, inUse, closing), everywhere(leaves, halfOpen))},
	"Forget": {func(l *Life, now time.Time) Step { return l.Forget(now) }, true, false,
		but(everywhere(outcome{Step{Fail: Aborted, Enter: Over}, Over, never}, halfOpen, unconfirmed, inUse, closing), everywhere(leaves, failed, finished))},
	"Leave": {func(l *Life, now time.Time) Step { return l.Leave(now) }, false, false, everywhere(leaves, failed, finished)},
	"Gone": {func(l *Life, now time.Time) Step { return l.Gone(stream.Status{}, now) }, false, false,
		everywhere(dies(Forgotten), unconfirmed, inUse, closing)},
	"Gone, settled": {func(l *Life, now time.Time) Step { return l.Gone(settled, now) }, false, false, nil},
	"the peer resets": {func(l *Life, now time.Time) Step { return l.Update(stream.Status{WasReset: true}, now) }, false, false,
		everywhere(fails(PeerReset, 0), halfOpen, unconfirmed, inUse, closing)},
	"the peer resets what is finished": {func(l *Life, now time.Time) Step { return l.Update(stream.Status{WasReset: true, Finished: true}, now) }, false, false,
		everywhere(fails(PeerReset, 0), halfOpen, unconfirmed, inUse, closing)},
	"the stream is finished": {func(l *Life, now time.Time) Step { return l.Update(stream.Status{Finished: true}, now) }, false, false,
		everywhere(fails(None, 0), closing)},
	"nothing":       {func(l *Life, now time.Time) Step { return l.Update(settled, now) }, false, false, nil},
	"a path works":  {func(l *Life, now time.Time) Step { l.PathUp(now); return Step{} }, false, false, nil},
	"no path works": {func(l *Life, now time.Time) Step { return l.NoPath(now) }, false, true, nil},
	"Doubt": {func(l *Life, now time.Time) Step { return l.Doubt(stream.Status{}, false, now) }, false, false, map[*scene]outcome{
		unconfirmed: {asks.step, Open, 30 * time.Second}, inUse: asks, closing: {asks.step, Closing, 30 * time.Second},
	}},
	"Doubt, settled": {func(l *Life, now time.Time) Step { return l.Doubt(settled, true, now) }, false, false, nil},
	"nothing is due": {func(l *Life, now time.Time) Step { return l.Expire(stream.Status{}, now) }, false, false, nil},
}

// TestEveryEventInEveryState compares what is to be done, what state follows and
// for how long, and whether the application has closed the Conn.
func TestEveryEventInEveryState(t *testing.T) {
	for name, event := range events {
		for _, s := range scenes {
			want, ok := event.want[s]
			l := s.make()
			if !ok {
				want = outcome{state: l.State(), deadline: s.deadline}
			}
			step := event.happen(l, after(time.Second))
			if got := (outcome{step, l.State(), until(l.Deadline(settled))}); got != want {
				t.Errorf("%s, %s: %+v, want %+v", name, s.name, got, want)
			}
			if l.Closed() != (s.closed || event.closes) {
				t.Errorf("%s, %s: Closed is %v", name, s.name, l.Closed())
			}
			if l.Done() != (l.Closed() && (l.State() == TimeWait || l.State() == Over)) {
				t.Errorf("%s, %s: Done is %v", name, s.name, l.Done())
			}
		}
	}
}

// TestOpenQuestionIsClosedOnce lets everything happen to a Life that has asked
// whether its Conn is known.
func TestOpenQuestionIsClosedOnce(t *testing.T) {
	for name, event := range events {
		for _, s := range []*scene{unconfirmed, inUse, closing} {
			l := s.make()
			if step := l.Doubt(stream.Status{}, true, start); step != (Step{Ping: true, Check: true}) {
				t.Fatalf("%s: Doubt: %+v", s.name, step)
			}
			want := event.want[s].step
			want.Heard = event.hears || want.Enter != 0
			if step := event.happen(l, after(time.Second)); step != want {
				t.Errorf("%s, %s: %+v, want %+v", name, s.name, step, want)
			}
			if step := l.Forget(after(time.Second)); step.Heard == want.Heard {
				t.Errorf("%s, %s: then the question is closed again, or not at all", name, s.name)
			}
		}
	}
}

func TestStateNames(t *testing.T) {
	for s, want := range []string{"half-open", "open", "closing", "time-wait", "over"} {
		if got := State(s).String(); got != want {
			t.Errorf("state %d is %q, want %q", s, got, want)
		}
	}
}
