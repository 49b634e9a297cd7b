package engine

import (
	"crypto/rand"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

const (
	// checkAfter is the least time that something goes unanswered before the
	// listener's process is asked whether it still knows the Conn.
	checkAfter = 3 * time.Second
	// checkTimeouts is the same in probe timeouts, for slow paths.
	checkTimeouts = 3
	// strangerWait is how much longer a Conn lives once another process said
	// that the Conn is not its own: the right one may be reconnecting.
	strangerWait = 6 * time.Second
	// probesPerTimeout is how often within PeerTimeout a silent peer is asked
	// at least.
	probesPerTimeout = 3
	// maxAskAfter is the longest silence after which a peer is asked, however
	// long PeerTimeout is: with checkAfter and strangerWait, an idle Conn of a
	// restarted process ends within a minute.
	maxAskAfter = 40 * time.Second
	// maxOwnAskAfter is the same for a Conn whose peer is heard on others only:
	// rarer, since a process may have thousands of idle Conns.
	maxOwnAskAfter = 2 * time.Minute
)

// A peer is a process at the other end, shared by its Conns: a packet of any
// of them shows that it lives, though not that it still knows the others, each
// of which asks for itself now and then. Guarded by Engine.mu, but for the times, which
// have a lock of their own since they change with every packet.
type peer struct {
	inbox [16]byte
	conns int // that share it

	times times
}

// check is the question whether the peer's process still knows the Conn.
type check struct {
	nonce [8]byte
	asked time.Time // when last asked; zero: no question is open
}

// askAfter is the silence after which a peer is asked for a sign of life.
func (e *Engine) askAfter() time.Duration {
	if timeout := e.config.PeerTimeout; timeout > 0 {
		return min(timeout/probesPerTimeout, maxAskAfter)
	}
	return maxAskAfter
}

// livenessDeadline is when expireLiveness has something to do.
func (c *Conn) livenessDeadline() time.Time {
	if !c.expectsLife() {
		return time.Time{}
	}
	t := c.peer.times.load()
	next := earlier(c.checkAt(), c.restartedAt(t.stranger))
	next = earlier(next, latest(t.heard, t.asked).Add(c.askAfter()))
	next = earlier(next, c.ownAskAt(t.heard))
	if timeout := c.engine.config.PeerTimeout; timeout > 0 {
		next = earlier(next, t.heard.Add(timeout))
		next = earlier(next, c.forgottenAt(timeout))
	}
	return next
}

// ownAskAt is when a Conn asks for itself whose peer was last heard at the
// given time; zero: not before the peer is heard again. The Conns of a silent
// peer need not all ask.
func (c *Conn) ownAskAt(heard time.Time) time.Time {
	after := maxOwnAskAfter
	if timeout := c.engine.config.PeerTimeout; timeout > 0 {
		after = min(after, timeout)
	}
	at := latest(c.lastHeard, c.lastAsked).Add(after)
	if at.After(heard.Add(c.askAfter())) {
		return time.Time{}
	}
	return at
}

// restartedAt is when a Conn with an open question ends whose peer's process
// was restarted, as a stranger under its name shows; zero: none was met.
func (c *Conn) restartedAt(stranger time.Time) time.Time {
	if stranger.IsZero() || c.check.asked.IsZero() {
		return time.Time{}
	}
	return stranger.Add(strangerWait)
}

// forgottenAt is when a Conn ends that gets no answer although its peer's
// process lives and our own link is up; zero: everything was answered.
func (c *Conn) forgottenAt(timeout time.Duration) time.Time {
	since, up := c.stream.Unheard(), c.engine.linkUpSince()
	if since.IsZero() || up.IsZero() {
		return time.Time{}
	}
	return latest(since, up).Add(timeout)
}

// expectsLife reports whether the peer has to be there at all.
func (c *Conn) expectsLife() bool {
	return (c.state == stateOpen || c.state == stateClosing) && c.err == nil && !c.stream.Settled()
}

// checkAt is when to ask, or to ask again; zero: everything was answered, or
// our own link is down.
func (c *Conn) checkAt() time.Time {
	since, up := c.stream.Unheard(), c.engine.linkUpSince()
	if since.IsZero() || up.IsZero() {
		return time.Time{}
	}
	patience := max(checkTimeouts*c.stream.ProbeTimeout(), checkAfter)
	return latest(latest(since, up), c.check.asked).Add(patience)
}

func (c *Conn) expireLiveness(now time.Time) {
	if !c.expectsLife() {
		return
	}
	timeout := c.engine.config.PeerTimeout
	t := c.peer.times.load()
	switch {
	case timeout > 0 && past(now, t.heard.Add(timeout)):
		c.abort(c.silence(now).gaveUp())
		return
	case timeout > 0 && past(now, c.forgottenAt(timeout)):
		c.abort(peerGone("its process lives but has not answered on this connection for %v; dial again", timeout))
		return
	case past(now, c.restartedAt(t.stranger)):
		c.abort(peerGone("its process was restarted: another one listens under its name now; dial again"))
		return
	case past(now, latest(t.heard, t.asked).Add(c.askAfter())):
		c.peer.times.ask(now)
		c.stream.Ping()
	case past(now, c.ownAskAt(t.heard)):
		c.lastAsked = now
		c.stream.Ping()
	}
	if past(now, c.checkAt()) {
		c.ask(now)
	}
}

// ask sends a CHECK: a dialer asks whoever listens under the name, since a
// restarted process has another inbox, and a listener asks the dialer's inbox.
// Once a stranger has answered for one Conn, the others need not ask, and while
// one asks they send no PINGs.
func (c *Conn) ask(now time.Time) {
	if c.check.asked.IsZero() {
		rand.Read(c.check.nonce[:])
		c.engine.openCheck(c)
	}
	c.check.asked = now
	c.peer.times.ask(now)
	if t := c.peer.times.load(); !t.stranger.IsZero() {
		return
	}
	question := handshake.Check{Nonce: c.check.nonce, Reply: c.engine.inbox, ID: c.origin.peerID, Instance: c.origin.peerInbox}
	if c.origin.dialer {
		c.engine.toName(c.engine.name(c.origin.name), question)
	} else {
		c.engine.toInbox(c.origin.peerInbox, question)
	}
}

// SilentSince returns since when the path is known to fail: our own link is
// down, or the peer owes an answer. Zero: as far as is known it works, or the
// Conn was closed.
func (c *Conn) SilentSince() time.Time {
	c.engine.mu.RLock()
	down := c.engine.downSince
	if !c.engine.upSince.IsZero() {
		down = time.Time{}
	}
	c.engine.mu.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return time.Time{}
	}
	return earlier(down, c.stream.Unheard())
}

// endCheck forgets the question: the peer spoke.
func (c *Conn) endCheck() {
	if c.check.asked.IsZero() {
		return
	}
	c.engine.closeCheck(c.check.nonce)
	c.check = check{}
}

// listens is told which process listens under a name. Conns to another one ask
// that for a sign of life.
func (e *Engine) listens(name string, inbox [16]byte, now time.Time) {
	e.suspect(e.connsWhere(func(c *Conn) bool {
		return c.origin.dialer && c.origin.name == name && c.origin.peerInbox != inbox
	}), now)
}

// suspect asks the peers of Conns for a sign of life, and one Conn of each peer
// asks for strangers at once: another process answers under their name.
func (e *Engine) suspect(conns []*Conn, now time.Time) {
	asked := make(map[*peer]bool)
	for _, c := range conns {
		c.mu.Lock()
		if c.expectsLife() {
			c.stream.Ping()
			if !asked[c.peer] {
				asked[c.peer] = true
				c.ask(now)
			}
			c.update(now)
		}
		c.mu.Unlock()
	}
}

// receiveVerdict takes in the answer to a CHECK. The first stranger makes all
// Conns of the peer ask for a sign of life.
func (e *Engine) receiveVerdict(nonce [8]byte, gone bool, now time.Time) {
	e.mu.RLock()
	c := e.checks[nonce]
	e.mu.RUnlock()
	switch {
	case c == nil:
	case gone:
		c.gone(now)
	case c.peer.times.meet(now):
		e.suspect(e.connsWhere(func(other *Conn) bool { return other.peer == c.peer }), now)
	}
}

func (c *Conn) gone(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expectsLife() {
		c.abort(c.silence(now).gone())
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
