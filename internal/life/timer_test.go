package life

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

const (
	second = time.Second
	minute = time.Minute
)

// timers are all deadlines of a Life, each with the Life that has it, how its stream
// stands, when it is due, what is to be done then, and the deadline that follows.
var timers = map[string]struct {
	make   func() *Life
	status stream.Status
	due    time.Duration
	want   Step
	next   time.Duration
}{
	// The states.
	"half-open":   {func() *Life { return newLife() }, stream.Status{}, 30 * second, Step{Enter: Over}, never},
	"unconfirmed": {func() *Life { return newLife(dialer) }, settled, 30 * second, Step{Fail: Unconfirmed, Drop: true, Enter: Over}, never},
	"linger":      {closing.make, settled, 30 * second, Step{Fail: Lingered, Reset: CodeLinger, Enter: TimeWait}, 40 * second},
	"linger of an unconfirmed one": {func() *Life { l := newLife(dialer); l.Close(after(9 * second)); return l }, settled,
		39 * second, Step{Fail: Lingered, Reset: CodeLinger, Enter: TimeWait}, 49 * second},
	"linger, more patient": {func() *Life { l := open(patience(minute)); l.Close(start); return l }, settled,
		30 * second, Step{Fail: Lingered, Reset: CodeLinger, Enter: TimeWait}, 40 * second},
	"linger, less patient": {func() *Life { l := open(patience(20 * second)); l.Close(start); return l }, settled,
		20 * second, Step{Fail: Lingered, Reset: CodeLinger, Enter: TimeWait}, 30 * second},
	"time-wait": {failed.make, stream.Status{}, 10 * second, Step{Enter: Over}, never},

	// Asking for a sign of life.
	"keep-alive":                         {func() *Life { return open() }, stream.Status{}, 40 * second, Step{Ping: true}, 80 * second},
	"keep-alive, an hour of patience":    {func() *Life { return open(patience(time.Hour)) }, stream.Status{}, 40 * second, Step{Ping: true}, 80 * second},
	"keep-alive, two minutes":            {func() *Life { return open(patience(2 * minute)) }, stream.Status{}, 40 * second, Step{Ping: true}, 80 * second},
	"keep-alive, half a minute":          {func() *Life { return open(patience(30 * second)) }, stream.Status{}, 10 * second, Step{Ping: true}, 20 * second},
	"keep-alive, attentive":              {func() *Life { return open(patience(time.Hour), attentive(10*second)) }, stream.Status{}, 10 * second, Step{Ping: true}, 20 * second},
	"keep-alive, less attentive":         {func() *Life { return open(attentive(minute)) }, stream.Status{}, 40 * second, Step{Ping: true}, 80 * second},
	"keep-alive, attentive without need": {func() *Life { return open(patience(15*second), attentive(10*second)) }, stream.Status{}, 5 * second, Step{Ping: true}, 10 * second},
	"keep-alive while closing": {func() *Life { l := open(attentive(10 * second)); l.Close(start); return l }, stream.Status{},
		10 * second, Step{Ping: true}, 20 * second},
	"asked by another Conn of the peer": {func() *Life {
		p := newPeer()
		other := open(with(p))
		other.Expire(stream.Status{}, after(40*second))
		return open(with(p))
	}, stream.Status{}, 80 * second, Step{Ping: true}, 120 * second},
	"heard on another Conn of the peer": {func() *Life {
		p := newPeer()
		other := open(with(p))
		other.Hear(false, after(15*second))
		return open(with(p))
	}, stream.Status{}, 55 * second, Step{Ping: true}, 95 * second},
	"asking for itself": {func() *Life { p := newPeer(); p.Hear(after(100 * second)); return open(with(p)) }, stream.Status{},
		120 * second, Step{Ping: true}, 140 * second},
	"asking for itself, attentive": {func() *Life { p := newPeer(); p.Hear(after(29 * second)); return open(with(p), attentive(10*second)) }, stream.Status{},
		30 * second, Step{Ping: true}, 39 * second},
	"asking for itself, just before the peer is silent": {func() *Life { p := newPeer(); p.Hear(after(80*second + 1)); return open(with(p)) }, stream.Status{},
		120 * second, Step{Ping: true}, 120*second + 1},
	"not asking for itself, since the peer is silent": {func() *Life { p := newPeer(); p.Hear(after(80*second - 1)); return open(with(p)) }, stream.Status{},
		120*second - 1, Step{Ping: true}, 160*second - 1},
	"asking for itself, since it was heard": {func() *Life {
		p := newPeer()
		l := open(with(p))
		l.Hear(false, after(20*second))
		p.Hear(after(130 * second))
		return l
	}, stream.Status{}, 140 * second, Step{Ping: true}, 170 * second},

	// Asking whether the Conn is known.
	"check":                    {func() *Life { return open() }, owed(second), 4 * second, Step{Check: true}, 7 * second},
	"check while closing":      {closing.make, owed(second), 4 * second, Step{Check: true}, 7 * second},
	"check over a slow path":   {func() *Life { return open() }, stream.Status{Unheard: start, ProbeTimeout: 2 * second}, 6 * second, Step{Check: true}, 12 * second},
	"check once a path works":  {func() *Life { l := open(); l.NoPath(start); l.PathUp(after(7 * second)); return l }, owed(second), 10 * second, Step{Check: true}, 13 * second},
	"check in place of asking": {func() *Life { return open() }, owed(36 * second), 39 * second, Step{Check: true}, 42 * second},
	"check and ask":            {func() *Life { return open() }, owed(37 * second), 40 * second, Step{Ping: true, Check: true}, 43 * second},
	"check while denied": {func() *Life { l := open(); l.config.Peer.Deny(start); return l }, owed(second),
		4 * second, Step{}, 6 * second},

	// Giving up.
	"asks for itself before it is silent": {func() *Life { l := open(patience(30 * second)); l.config.Peer.ask(after(25 * second)); return l }, stream.Status{},
		21 * second, Step{Ping: true}, 30 * second},
	"silent": {func() *Life {
		l := open(patience(30 * second))
		l.config.Peer.ask(after(25 * second))
		l.spoken = after(25 * second)
		return l
	}, stream.Status{},
		30 * second, Step{Fail: Silent, Drop: true, Enter: Over}, never},
	"silent without a path": {func() *Life {
		l := open(patience(30 * second))
		l.NoPath(after(second))
		l.config.Peer.ask(after(25 * second))
		l.spoken = after(25 * second)
		return l
	}, owed(second), 30 * second, Step{Fail: Silent, Drop: true, Enter: Over}, never},
	"silent while closing": {func() *Life {
		l := open(patience(30 * second))
		l.Close(after(10 * second))
		l.config.Peer.ask(after(25 * second))
		l.spoken = after(25 * second)
		return l
	}, stream.Status{}, 30 * second, Step{Fail: Silent, Drop: true, Enter: Over}, never},
	"unanswered": {func() *Life {
		l := open(patience(30 * second))
		l.config.Peer.Hear(after(31 * second))
		l.Expire(stream.Status{}, after(31*second)) // asks for itself
		l.Doubt(stream.Status{}, true, after(31*second))
		return l
	}, owed(2 * second), 32 * second, Step{Fail: Unanswered, Drop: true, Enter: Over, Heard: true}, never},
	"unanswered since a path works": {func() *Life {
		l := open(patience(30 * second))
		l.NoPath(after(3 * second))
		l.PathUp(after(4 * second))
		l.config.Peer.Hear(after(33 * second))
		l.Expire(stream.Status{}, after(33*second))
		l.Doubt(stream.Status{}, true, after(33*second))
		return l
	}, owed(2 * second), 34 * second, Step{Fail: Unanswered, Drop: true, Enter: Over, Heard: true}, never},
	"restarted": {func() *Life {
		l := open()
		l.Doubt(stream.Status{}, true, after(second))
		l.config.Peer.Deny(after(2 * second))
		l.Doubt(stream.Status{}, true, after(7*second))
		return l
	}, stream.Status{}, 8 * second, Step{Fail: Restarted, Drop: true, Enter: Over, Heard: true}, never},
}

// TestTimers has nothing happen a nanosecond before a deadline, and the right step
// at it.
func TestTimers(t *testing.T) {
	for name, timer := range timers {
		l := timer.make()
		if got := until(l.Deadline(timer.status)); got != timer.due {
			t.Errorf("%s: due after %v, want %v", name, got, timer.due)
		}
		state := l.State()
		if step := l.Expire(timer.status, after(timer.due-1)); step != (Step{}) || l.State() != state || until(l.Deadline(timer.status)) != timer.due {
			t.Errorf("%s: a nanosecond early: %+v, %v, due after %v", name, step, l.State(), until(l.Deadline(timer.status)))
		}
		if step := l.Expire(timer.status, after(timer.due)); step != timer.want {
			t.Errorf("%s: %+v, want %+v", name, step, timer.want)
		}
		if got := until(l.Deadline(timer.status)); got != timer.next {
			t.Errorf("%s: due again after %v, want %v", name, got, timer.next)
		}
		if timer.want.Enter == 0 && l.State() != state {
			t.Errorf("%s: the state is %v", name, l.State())
		}
	}
}

// TestNothingIsDue where nobody is expected to answer.
func TestNothingIsDue(t *testing.T) {
	for name, test := range map[string]struct {
		make   func() *Life
		status stream.Status
	}{
		"settled": {func() *Life { return open(patience(minute)) }, stream.Status{Settled: true, Unheard: start}},
		"over":    {gone.make, owed(0)},
	} {
		if l := test.make(); !l.Deadline(test.status).IsZero() || l.Expire(test.status, after(time.Hour)) != (Step{}) {
			t.Errorf("%s: due after %v", name, until(l.Deadline(test.status)))
		}
	}
}

// TestWhatRestsWithoutAPath lets an hour pass in which none works: the peer is asked
// for a sign of life, but not whether it knows the Conn, and only its silence ends
// the Conn.
func TestWhatRestsWithoutAPath(t *testing.T) {
	l := open()
	l.Doubt(stream.Status{}, true, after(second))
	l.config.Peer.Deny(after(second))
	if step := l.NoPath(after(2 * second)); step != (Step{Heard: true}) {
		t.Errorf("NoPath: %+v", step)
	}
	if !l.config.Peer.Deny(after(2 * second)) {
		t.Error("what another process said is not forgotten")
	}
	pings := 0
	for {
		due := l.Deadline(owed(second))
		if due.After(after(time.Hour)) {
			break
		}
		if step := l.Expire(owed(second), due); step != (Step{Ping: true}) {
			t.Fatalf("after %v: %+v", until(due), step)
		}
		pings++
	}
	if pings < 85 || pings > 92 {
		t.Errorf("%d PINGs in an hour", pings)
	}
}

// TestAnotherPathChangesNothing has a second path begin to work beside the first,
// and the last one fail that had failed already.
func TestAnotherPathChangesNothing(t *testing.T) {
	l := open()
	l.PathUp(after(2 * second))
	if got := until(l.Deadline(owed(second))); got != 4*second {
		t.Errorf("due after %v", got)
	}
	l.NoPath(after(3 * second))
	l.NoPath(after(4 * second))
	if got := l.SilentSince(stream.Status{}); got != after(3*second) {
		t.Errorf("silent since %v", until(got))
	}
	l.config.Peer.Deny(after(5 * second))
	l.NoPath(after(5 * second))
	if l.config.Peer.Deny(after(5 * second)) {
		t.Error("what another process said is forgotten again and again")
	}
}

// TestRestartedNeedsAQuestion of the Conn's own that is open.
func TestRestartedNeedsAQuestion(t *testing.T) {
	l := open()
	l.config.Peer.Deny(after(second))
	if step := l.Expire(owed(2*second), after(7*second)); step != (Step{}) {
		t.Errorf("without a question: %+v", step)
	}
	// What was asked is not sent, since the answer is known; 6 s have passed.
	if step := l.Expire(owed(2*second), after(7*second)); step != (Step{Fail: Restarted, Drop: true, Enter: Over, Heard: true}) {
		t.Errorf("with one: %+v", step)
	}
}

// TestHearForgetsTheDenial answers for the peer itself.
func TestHearForgetsTheDenial(t *testing.T) {
	l := open()
	l.Doubt(stream.Status{}, true, after(second))
	l.config.Peer.Deny(after(2 * second))
	if step := l.Hear(false, after(3*second)); step != (Step{Heard: true}) {
		t.Errorf("Hear: %+v", step)
	}
	if got := until(l.Deadline(stream.Status{})); got != 43*second {
		t.Errorf("due after %v", got)
	}
	if !l.config.Peer.Deny(after(4 * second)) {
		t.Error("the peer is still denied")
	}
	l.config.Peer.Hear(after(5 * second))
	l.Doubt(stream.Status{}, true, after(5*second))
	if got := until(l.Deadline(stream.Status{})); got != 45*second {
		t.Errorf("another Conn of the peer was heard, but due after %v", got)
	}
}
