package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// This file is about the question whether a process knows a Conn: CHECK, and the
// answers GONE and NOT MINE (SPEC.md, "Liveness").

// ask opens a Conn's question, unless it is open, and returns its nonce.
func (e *Engine) ask(c *Conn) [8]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.question == [8]byte{} {
		c.question = random8()
		e.checks[c.question] = c
	}
	return c.question
}

// answered closes it.
func (e *Engine) answered(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.checks, c.question)
	c.question = [8]byte{}
}

// receiveCheck handles a CHECK that came by a rendezvous topic, where every
// listener of the name hears it: one that is meant for another process is told
// so. A CHECK of our own that comes back is for nobody.
func (e *Engine) receiveCheck(m handshake.Check, now time.Time) {
	switch {
	case m.Instance == e.inbox:
		e.receiveOwnCheck(m, now)
	case m.Reply != e.inbox && e.limits.check(m, e.limits.notMine, now):
		e.reply(m.Reply, handshake.NotMine{Nonce: m.Nonce})
	}
}

// receiveOwnCheck answers the question whether a Conn is known here. A live Conn
// answers by itself, with an authenticated packet; one that this process never
// had or no longer has is gone. A CHECK for another process can only have been
// redirected to our inbox.
func (e *Engine) receiveOwnCheck(m handshake.Check, now time.Time) {
	if m.Instance != e.inbox || !e.limits.check(m, e.limits.gone, now) {
		return
	}
	c := e.conn(m.ID)
	if c == nil || c.origin.peerInbox != m.Reply {
		e.reply(m.Reply, handshake.Gone{Nonce: m.Nonce})
		return
	}
	c.Answer(now)
}

// receiveVerdict takes in the answer to a CHECK. The first process that is not the
// peer makes all Conns of the peer ask for a sign of life.
func (e *Engine) receiveVerdict(nonce [8]byte, gone bool, now time.Time) {
	e.mu.RLock()
	c := e.checks[nonce]
	e.mu.RUnlock()
	switch {
	case c == nil:
	case gone:
		c.Gone(now)
	case c.peer.Deny(now):
		e.doubt(func(other *Conn) bool { return other.peer == c.peer }, now)
	}
}

// listens is told which process listens under a name. Conns to another one ask
// that for a sign of life.
func (e *Engine) listens(name string, inbox [16]byte, now time.Time) {
	e.doubt(func(c *Conn) bool {
		return c.origin.dialer && c.origin.name == name && c.origin.peerInbox != inbox
	}, now)
}

// doubt asks the peers of Conns for a sign of life, and for one Conn of each peer
// whether it is known: another process answers under their name.
func (e *Engine) doubt(which func(c *Conn) bool, now time.Time) {
	checked := make(map[*peer]bool)
	for _, c := range e.connsWhere(which) {
		if c.Doubt(!checked[c.peer], now) {
			checked[c.peer] = true
		}
	}
}
