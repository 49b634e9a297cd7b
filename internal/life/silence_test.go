package life

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// A machine is one whose time of day a test sets.
type machine struct{ wall time.Time }

func (m *machine) peer() *Peer {
	return NewPeer(NewClock(func() time.Time { return m.wall }, start), start)
}

// at sets it to what a machine that has slept for so long shows so long after the
// start.
func (m *machine) at(d, slept time.Duration) time.Time {
	m.wall = after(d + slept)
	return after(d)
}

// TestSilence of half a minute, as an end tells people of it.
func TestSilence(t *testing.T) {
	for name, test := range map[string]struct {
		happen func(l *Life, m *machine)
		slept  time.Duration // when it is asked
		want   Silence
	}{
		"nothing came": {func(*Life, *machine) {}, 0, Silence{Lasted: 30 * second}},
		"the path is down": {func(l *Life, _ *machine) { l.NoPath(after(10 * second)) }, 0,
			Silence{Lasted: 30 * second, Offline: 20 * second, Down: true}},
		"the path was down": {func(l *Life, _ *machine) { l.NoPath(after(10 * second)); l.PathUp(after(14 * second)) }, 0,
			Silence{Lasted: 30 * second, Offline: 4 * second}},
		"the path was down twice": {func(l *Life, _ *machine) {
			l.NoPath(after(10 * second))
			l.PathUp(after(14 * second))
			l.NoPath(after(20 * second))
			l.PathUp(after(21 * second))
		}, 0, Silence{Lasted: 30 * second, Offline: second}},
		"something came between": {func(l *Life, m *machine) {
			l.NoPath(after(second))
			l.config.Peer.Hear(m.at(5*second, 0))
			l.PathUp(after(14 * second))
		}, 0, Silence{Lasted: 25 * second, Offline: 9 * second}},
		"something came since": {func(l *Life, m *machine) {
			l.NoPath(after(second))
			l.PathUp(after(5 * second))
			l.config.Peer.Hear(m.at(6*second, 0))
		}, 0, Silence{Lasted: 24 * second}},
		"what came was older":    {func(l *Life, _ *machine) { l.config.Peer.Hear(start.Add(-second)) }, 0, Silence{Lasted: 30 * second}},
		"slept":                  {func(*Life, *machine) {}, time.Hour, Silence{Lasted: 30 * second, Slept: time.Hour}},
		"slept for a little":     {func(*Life, *machine) {}, 5 * second, Silence{Lasted: 30 * second, Slept: 5 * second}},
		"the clock was set":      {func(*Life, *machine) {}, 5*second - 1, Silence{Lasted: 30 * second}},
		"the clock was set back": {func(*Life, *machine) {}, -time.Hour, Silence{Lasted: 30 * second}},
		"slept before":           {func(l *Life, m *machine) { l.Hear(false, m.at(10*second, time.Hour)) }, time.Hour, Silence{Lasted: 20 * second}},
		"slept before the last sample of the clock": {func(l *Life, m *machine) { l.config.Peer.Hear(m.at(second, time.Hour)) }, time.Hour,
			Silence{Lasted: 29 * second}},
		"slept after it": {func(l *Life, m *machine) { l.config.Peer.Hear(m.at(second-1, time.Hour)) }, time.Hour,
			Silence{Lasted: 29*second + 1, Slept: time.Hour}},
	} {
		m := &machine{start}
		l := open(with(m.peer()))
		test.happen(l, m)
		if got := l.Silence(m.at(30*second, test.slept)); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// TestNewLifeKnowsOfThePath that its Engine has.
func TestNewLifeKnowsOfThePath(t *testing.T) {
	l := newLife(func(c *Config) { c.PathUp, c.PathDown = time.Time{}, after(-second) })
	if got := l.Silence(after(second)); !got.Down || got.Offline != second {
		t.Errorf("%+v", got)
	}
	l = newLife(func(c *Config) { c.PathUp = after(2 * second) }, dialer)
	l.Hear(false, start)
	if got := until(l.Deadline(owed(second))); got != 5*second {
		t.Errorf("due after %v", got)
	}
}

// TestSilentSince tells since when the path is known to fail.
func TestSilentSince(t *testing.T) {
	down := func(l *Life) { l.NoPath(after(10 * second)) }
	for name, test := range map[string]struct {
		happen func(l *Life)
		status stream.Status
		want   time.Duration
	}{
		"works":                  {func(*Life) {}, stream.Status{}, never},
		"an answer is owed":      {func(*Life) {}, owed(5 * second), 5 * second},
		"no path":                {down, stream.Status{}, 10 * second},
		"no path, and owed":      {down, owed(5 * second), 5 * second},
		"no path, then owed":     {down, owed(15 * second), 10 * second},
		"a path again":           {func(l *Life) { down(l); l.PathUp(after(11 * second)) }, stream.Status{}, never},
		"a path again, and owed": {func(l *Life) { down(l); l.PathUp(after(11 * second)) }, owed(5 * second), 5 * second},
		"closed":                 {func(l *Life) { l.Close(start) }, owed(5 * second), never},
		"closed without a path":  {func(l *Life) { l.Close(start); down(l) }, owed(5 * second), never},
	} {
		l := open()
		test.happen(l)
		if got := until(l.SilentSince(test.status)); got != test.want {
			t.Errorf("%s: since %v, want %v", name, got, test.want)
		}
	}
}

func TestPeerTimeoutIsKnown(t *testing.T) {
	if got := open(patience(minute)).PeerTimeout(); got != minute {
		t.Errorf("%v", got)
	}
}
