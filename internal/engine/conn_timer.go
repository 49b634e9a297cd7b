package engine

import (
	"encoding/hex"
	"fmt"
	"time"
)

// heard takes note of an authenticated packet: the peer's process lives, and a
// half-open Conn has proved the key.
func (c *Conn) heard(now time.Time) {
	c.peer.times.hear(now, &c.engine.clocks)
	c.lastHeard = now
	c.unconfirmed = time.Time{}
	c.endCheck()
	if c.state == stateHalfOpen {
		c.state = stateOpen
		c.until = time.Time{}
		c.stream.SeedRTT(now.Sub(c.answered))
		c.origin.listener.accept(c)
	}
}

// update is what follows every event: a Conn that needs nothing more of its
// peer becomes a tombstone, the writer hears of what there is to send, and the
// timer is set. It is called with c.mu held.
func (c *Conn) update(now time.Time) {
	if c.state == stateRemoved {
		return
	}
	if c.state == stateClosing && c.stream.Finished() {
		c.entomb(now)
	}
	if !c.resumeUntil.IsZero() && !c.stream.Resuming() {
		c.endResume()
	}
	c.schedule(now)
	c.arm(now)
}

// arm sets the timer to the next deadline, unless it fires earlier anyway: it
// then finds nothing to do and is set again.
func (c *Conn) arm(now time.Time) {
	next := c.deadline()
	if next.IsZero() || !c.timerAt.IsZero() && !next.Before(c.timerAt) {
		return
	}
	c.timerAt = next
	wait := max(next.Sub(now), 0)
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.expire)
		return
	}
	c.timer.Reset(wait)
}

// deadline is the earliest time at which one of the Conn's parts wants to act;
// zero: none does.
func (c *Conn) deadline() time.Time {
	next := earlier(c.until, c.unconfirmed)
	next = earlier(next, c.resumeUntil)
	if c.state != stateHalfOpen {
		next = earlier(next, c.stream.Deadline())
	}
	return earlier(next, c.livenessDeadline())
}

// expire is the function of the timer.
func (c *Conn) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.state == stateRemoved {
		return
	}
	if now.Before(c.timerAt) {
		c.timer.Reset(c.timerAt.Sub(now))
		return
	}
	c.timerAt = time.Time{}
	c.stream.Expire(now)
	c.expireState(now)
	if !c.resumeUntil.IsZero() && !now.Before(c.resumeUntil) {
		c.endResume()
	}
	c.expireLiveness(now)
	c.changed.Broadcast()
	c.update(now)
}

// expireState ends the states that last only so long.
func (c *Conn) expireState(now time.Time) {
	if past(now, c.unconfirmed) {
		c.unconfirmed = time.Time{}
		c.abort(&Error{Kind: ErrNoAnswer, Text: fmt.Sprintf("as %q: its listener answered the handshake but not the first packet; check its network", c.origin.name)})
		return
	}
	if !past(now, c.until) {
		return
	}
	c.until = time.Time{}
	switch c.state {
	case stateHalfOpen, stateTombstone:
		c.remove()
	case stateClosing:
		c.reset(resetLinger, peerGone("it did not take what was written before Close"), now)
	}
}

func past(now, t time.Time) bool { return !t.IsZero() && !now.Before(t) }

// earlier returns the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (c *Conn) logName() string { return "peer-" + hex.EncodeToString(c.origin.logID[:]) }
