package life

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// start is when every Life of these tests was made, unless they say otherwise.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// after is so long after the start.
func after(d time.Duration) time.Time { return start.Add(d) }

// never is the deadline that there is none.
const never = time.Duration(-1)

// until is how long after the start a deadline is.
func until(deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return never
	}
	return deadline.Sub(start)
}

// settled is the status of a stream that needs nothing more of the peer: the only
// deadline is that of the state.
var settled = stream.Status{Settled: true}

// owed is the status of one that has waited for an answer since then.
func owed(since time.Duration) stream.Status {
	return stream.Status{Unheard: after(since), ProbeTimeout: 100 * time.Millisecond}
}

// newPeer returns a Peer that was heard at the start, on a machine whose time of day
// stands still, so that it is never taken to have slept.
func newPeer() *Peer { return NewPeer(NewClock(func() time.Time { return start }, start), start) }

// newLife returns a listener's Life over a path that has worked since the start.
func newLife(change ...func(*Config)) *Life {
	config := Config{Peer: newPeer(), PathUp: start}
	for _, f := range change {
		f(&config)
	}
	l := New(config, start)
	return &l
}

func dialer(c *Config) { c.Dialer = true }

func patience(d time.Duration) func(*Config) { return func(c *Config) { c.PeerTimeout = d } }
func attentive(d time.Duration) func(*Config) {
	return func(c *Config) { c.KeepAlive = d }
}
func with(p *Peer) func(*Config) { return func(c *Config) { c.Peer = p } }

// open returns a Life that is in use.
func open(change ...func(*Config)) *Life {
	l := newLife(change...)
	l.Hear(false, start)
	return l
}
