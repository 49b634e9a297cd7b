package life

import (
	"sync"
	"time"
)

// A Peer is what is remembered of the process at the other end, shared by its
// Conns: a packet of any of them shows that it lives, though not that it still
// knows the others, each of which asks for itself now and then. It is safe for
// concurrent use.
type Peer struct {
	clock *Clock

	mu sync.Mutex // guards all below; no lock is taken with it held
	seen
}

type seen struct {
	heard   time.Time     // when the peer was last heard
	asked   time.Time     // when it was last asked for a sign of life
	denied  time.Time     // when another process first said since then that it is not the peer; zero: none did
	ahead   time.Duration // what Clock.ahead said about when the peer was last heard
	sampled time.Time     // when it said so
}

// NewPeer returns a Peer that was heard right now.
func NewPeer(clock *Clock, now time.Time) *Peer {
	p := &Peer{clock: clock}
	p.Hear(now)
	return p
}

func (p *Peer) load() seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// Hear takes note of a sign of life.
func (p *Peer) Hear(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = latest(p.heard, now)
	p.denied = time.Time{}
	if now.Sub(p.sampled) >= clockSample {
		p.ahead, p.sampled = p.clock.ahead(now), now
	}
}

// Deny takes note of another process that says it is not the peer, and reports
// whether it is the first.
func (p *Peer) Deny(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.denied.IsZero() {
		return false
	}
	p.denied = now
	return true
}

// doubt forgets that: no path to the peer works.
func (p *Peer) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denied = time.Time{}
}

func (p *Peer) ask(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = now
}

// slept is how long this machine slept since the peer was heard; 0: it did not.
func (p *Peer) slept(s seen, now time.Time) time.Duration {
	if slept := p.clock.ahead(now) - s.ahead; slept >= minSlept {
		return slept
	}
	return 0
}
