package engine

import (
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
)

// maxTimeWait bounds the Conns in TIME-WAIT; the oldest goes first.
const maxTimeWait = 1024

// A peer is a process at the other end. Guarded by Engine.mu, but for the Peer.
type peer struct {
	*life.Peer
	inbox [16]byte
	conns int // that share it
}

// join returns the peer with an inbox, for one Conn more. It is called with e.mu
// held.
func (e *Engine) join(inbox [16]byte, now time.Time) *peer {
	p := e.peers[inbox]
	if p == nil {
		p = &peer{Peer: life.NewPeer(e.clock, now), inbox: inbox}
		e.peers[inbox] = p
	}
	p.conns++
	return p
}

// forget takes a Conn out of all tables.
func (e *Engine) forget(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c.id)
	delete(e.checks, c.question)
	if c.peer.conns--; c.peer.conns == 0 {
		delete(e.peers, c.peer.inbox)
	}
	if l := c.origin.listener; l != nil {
		l.forget(c)
	}
	e.timeWait = slices.DeleteFunc(e.timeWait, func(other *Conn) bool { return other == c })
}

// keepTimeWait takes note of a Conn in TIME-WAIT. The oldest goes if there are too
// many, on a goroutine of its own: the caller holds a Conn's lock, and Conns do not
// lock each other.
func (e *Engine) keepTimeWait(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.timeWait = append(e.timeWait, c)
	if len(e.timeWait) > maxTimeWait {
		oldest := e.timeWait[0]
		e.timeWait[0] = nil
		e.timeWait = e.timeWait[1:]
		go oldest.Expire()
	}
}
