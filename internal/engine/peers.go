package engine

import (
	"slices"
	"sync"
	"time"
)

// times are when a peer was last heard and last asked for a sign of life.
type times struct {
	mu           sync.Mutex
	heard, asked time.Time
}

func (t *times) load() (heard, asked time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.heard, t.asked
}

func (t *times) hear(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = latest(t.heard, now)
}

func (t *times) ask(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = now
}

func (p *peer) heard(now time.Time) { p.times.hear(now) }

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
		p.heard(now)
		e.peers[p.inbox] = p
	}
	p.conns++
	c.peer = p
	c.lastHeard = now
	c.stream.LimitPacket(e.limit - overhead)
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

// others returns the Conns that were dialled to a name and answered by another
// process than inbox.
func (e *Engine) others(name string, inbox [16]byte) []*Conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var list []*Conn
	for _, c := range e.conns {
		if c.origin.dialer && c.origin.name == name && c.origin.peerInbox != inbox {
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
