package engine

import (
	"slices"
	"sync"
	"time"
)

// times are what is remembered of a peer's signs of life, by all its Conns.
type times struct {
	mu sync.Mutex
	seen
}

type seen struct {
	heard    time.Time     // when the peer was last heard
	asked    time.Time     // when it was last asked for a sign of life
	stranger time.Time     // when another process first said since then that it is not the peer; zero: none did
	ahead    time.Duration // what clocks.ahead said about when the peer was last heard
	sampled  time.Time     // when it said so
}

func (t *times) load() seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen
}

func (t *times) hear(now time.Time, clocks *clocks) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = latest(t.heard, now)
	t.stranger = time.Time{}
	if now.Sub(t.sampled) >= clockSample {
		t.ahead, t.sampled = clocks.ahead(now), now
	}
}

// meet takes note of another process and reports whether it is the first.
func (t *times) meet(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stranger.IsZero() {
		return false
	}
	t.stranger = now
	return true
}

// doubt forgets about strangers: our own link was down.
func (t *times) doubt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stranger = time.Time{}
}

func (t *times) ask(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = now
}

// enter puts a new Conn, which nobody else knows yet, into the tables, together
// with its peer. A hello, which anybody with the key could have sent, does not
// show that a known peer lives. From then on it hears when the link goes down or comes up. It
// reports whether the Engine is still open.
func (e *Engine) enter(c *Conn, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	p := e.peers[c.origin.peerInbox]
	if p == nil {
		p = &peer{inbox: c.origin.peerInbox}
		p.times.hear(now, &e.clocks)
		e.peers[p.inbox] = p
	}
	p.conns++
	c.peer = p
	c.lastHeard = now
	if e.upSince.IsZero() {
		c.stream.LinkDown()
	}
	e.conns[c.id] = c
	return true
}

// forget takes a Conn out of all tables.
func (e *Engine) forget(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c.id)
	delete(e.checks, c.check.nonce)
	if c.peer.conns--; c.peer.conns == 0 {
		delete(e.peers, c.peer.inbox)
	}
	if l := c.origin.listener; l != nil {
		l.forget(c)
	}
	e.graves = slices.DeleteFunc(e.graves, func(g *Conn) bool { return g == c })
}

// bury takes note of a tombstone. Beyond maxTombstones the oldest is removed.
func (e *Engine) bury(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.graves = append(e.graves, c)
	if len(e.graves) <= maxTombstones {
		return
	}
	// The caller holds a Conn's lock, and Conns do not lock each other.
	e.chores.Store(true)
	e.link.Wake()
}

// thinGraves removes the tombstones above maxTombstones, and from the list
// those that are gone by themselves. It runs on the writer goroutine.
func (e *Engine) thinGraves() {
	for {
		e.mu.Lock()
		if len(e.graves) <= maxTombstones {
			e.mu.Unlock()
			return
		}
		oldest := e.graves[0]
		e.graves[0] = nil
		e.graves = e.graves[1:]
		e.mu.Unlock()
		oldest.mu.Lock()
		oldest.remove()
		oldest.mu.Unlock()
	}
}

// conn returns the Conn that packets with this id belong to, nil if none.
func (e *Engine) conn(id [8]byte) *Conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.conns[id]
}

// connsWhere returns the Conns that fulfil a condition.
func (e *Engine) connsWhere(fulfil func(c *Conn) bool) []*Conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var list []*Conn
	for _, c := range e.conns {
		if fulfil(c) {
			list = append(list, c)
		}
	}
	return list
}

func (e *Engine) openCheck(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checks[c.check.nonce] = c
}

func (e *Engine) closeCheck(nonce [8]byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.checks, nonce)
}
