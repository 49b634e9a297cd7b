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
func (r *rendezvous) receiveCheck(u *uplink, m handshake.Check, now time.Time) {
	e := r.engine
	switch {
	case m.Instance == e.inbox.ID:
		u.receiveOwnCheck(m, r.rates.gone, now)
	case m.Reply.ID != e.inbox.ID && e.limits.check(u, m, r.rates.notMine, now):
		u.reply(m.Reply, m.Link, handshake.NotMine{Nonce: m.Nonce})
	}
}

// receiveOwnCheck answers the question whether a Conn is known here. A live Conn
// answers by itself, with an authenticated packet; one that this process never
// had or no longer has is gone. Nobody else learns the token of one that it has, or
// is about to have. A CHECK for another process can only have been redirected to
// our inbox.
func (u *uplink) receiveOwnCheck(m handshake.Check, answers *bucket, now time.Time) {
	e := u.engine
	if m.Instance != e.inbox.ID || !e.limits.check(u, m, answers, now) {
		return
	}
	e.mu.RLock()
	c, dials := e.conns[m.ID], e.dials[m.ID] != nil
	e.mu.RUnlock()
	switch {
	case c == nil && !dials:
		u.reply(m.Reply, m.Link, handshake.Gone{Nonce: m.Nonce, Token: e.tokens.Token(m.ID)})
	case c != nil && c.origin.peerInbox.ID == m.Reply.ID:
		c.Answer(now)
	}
}

// asked returns the Conn with this open question, nil if there is none.
func (e *Engine) asked(nonce [8]byte) *Conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.checks[nonce]
}

// receiveGone takes in the word of the peer's process that it does not know a Conn,
// and of nobody else: it alone can make the token whose hash it told.
func (e *Engine) receiveGone(m handshake.Gone, now time.Time) {
	c := e.asked(m.Nonce)
	if c == nil || handshake.TokenHash(m.Token) != c.origin.tokenHash {
		e.rejected.Add(1)
		return
	}
	c.Gone(now)
}

// receiveNotMine takes in the word of another process under the name of a dialer's
// peer. The first makes all Conns of the peer ask for a sign of life. What a listener
// asks is for the dialer's inbox alone, so NOT MINE is no answer to that.
func (e *Engine) receiveNotMine(m handshake.NotMine, now time.Time) {
	if c := e.asked(m.Nonce); c != nil && c.origin.dialer && c.peer.Deny(now) {
		e.doubt(func(other *Conn) bool { return other.peer == c.peer }, now)
	}
}

// listens is told which process listens under a name. Conns to another one ask
// that for a sign of life.
func (e *Engine) listens(name string, inbox handshake.Inbox, now time.Time) {
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
