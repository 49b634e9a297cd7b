package engine

import (
	"crypto/rand"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/setting"
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
	// probesPerTimeout is how often within PeerTimeout a silent peer is asked.
	probesPerTimeout = 3
)

// A peer is a process at the other end, shared by its Conns: a packet of any
// of them shows that it lives, though not that it still knows the others, each
// of which asks for itself once in PeerTimeout. Guarded by Engine.mu, but for the times, which
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

// livenessDeadline is when expireLiveness has something to do.
func (c *Conn) livenessDeadline() time.Time {
	if !c.expectsLife() {
		return time.Time{}
	}
	heard, asked, stranger := c.peer.times.load()
	next := earlier(c.checkAt(), c.restartedAt(stranger))
	if timeout := c.engine.config.PeerTimeout; timeout > 0 {
		next = earlier(next, heard.Add(timeout))
		next = earlier(next, latest(heard, asked).Add(timeout/probesPerTimeout))
		next = earlier(next, latest(c.lastHeard, c.lastAsked).Add(timeout))
		next = earlier(next, c.forgottenAt(timeout))
	}
	return next
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
	heard, asked, stranger := c.peer.times.load()
	switch {
	case timeout > 0 && past(now, heard.Add(timeout)):
		c.abort(peerGone("nothing was heard of it for %v; check its power and network, or raise %v", timeout, setting.Field("Config.PeerTimeout")))
		return
	case timeout > 0 && past(now, c.forgottenAt(timeout)):
		c.abort(peerGone("its process lives but has not answered on this connection for %v; dial again", timeout))
		return
	case past(now, c.restartedAt(stranger)):
		c.abort(peerGone("its process was restarted: another one listens under its name now; dial again"))
		return
	case timeout > 0 && past(now, latest(heard, asked).Add(timeout/probesPerTimeout)):
		c.peer.times.ask(now)
		c.stream.Ping()
	case timeout > 0 && past(now, latest(c.lastHeard, c.lastAsked).Add(timeout)):
		c.lastAsked = now
		c.stream.Ping()
	}
	if past(now, c.checkAt()) {
		c.ask(now)
	}
}

// ask sends a CHECK: a dialer asks whoever listens under the name, since a
// restarted process has another inbox, and a listener asks the dialer's inbox.
// Once a stranger has answered for one Conn, the others need not ask.
func (c *Conn) ask(now time.Time) {
	if c.check.asked.IsZero() {
		rand.Read(c.check.nonce[:])
		c.engine.openCheck(c)
	}
	c.check.asked = now
	if _, _, stranger := c.peer.times.load(); !stranger.IsZero() {
		return
	}
	question := handshake.Check{Nonce: c.check.nonce, Reply: c.engine.inbox, ID: c.origin.peerID, Instance: c.origin.peerInbox}
	if c.origin.dialer {
		c.engine.toName(c.engine.name(c.origin.name), question)
	} else {
		c.engine.toInbox(c.origin.peerInbox, question)
	}
}

// endCheck forgets the question: the peer spoke.
func (c *Conn) endCheck() {
	if c.check.asked.IsZero() {
		return
	}
	c.engine.closeCheck(c.check.nonce)
	c.check = check{}
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
		c.gone()
	case c.peer.times.meet(now):
		e.suspect(e.connsWhere(func(other *Conn) bool { return other.peer == c.peer }), now)
	}
}

func (c *Conn) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expectsLife() {
		c.abort(peerGone("its process no longer knows this connection; dial again"))
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
