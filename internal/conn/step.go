package conn

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// apply does what the Conn's Life asks for. The application can still read what had
// arrived when the Conn failed, which it does once. It is called with c.mu held.
func (c *Conn) apply(s life.Step, now time.Time) {
	if s.Fail != life.None {
		c.err = c.failure(s.Fail, now)
		c.logger.Debug("connection failed", "conn", c.LogName(), "error", c.err)
	}
	if s.Proved {
		c.host.Proved()
	}
	if s.Close {
		c.stream.Close()
	}
	if s.Reset != 0 {
		c.stream.Reset(uint64(s.Reset))
	}
	if s.Drop {
		c.stream.Abandon(true)
	}
	if s.Ping {
		c.stream.Ping()
	}
	if s.Check {
		c.host.Check(c.route.Hopeful())
	}
	if s.Heard {
		c.host.Checked()
	}
	if s.Proved || s.Close || s.Enter != 0 {
		c.trace.state(c.life.State())
	}
	c.enter(s.Enter)
}

// enter leaves the states in which the Conn is in use.
func (c *Conn) enter(state life.State) {
	switch state {
	case life.TimeWait:
		c.host.TimeWait()
	case life.Over:
		if c.timer != nil {
			c.timer.Stop()
		}
		c.host.Forget()
	default:
		return
	}
	c.settle()
}

// update is what follows every event: the Life takes in how the stream stands, the
// writer hears of what there is to send, and the timer is set. It is called with
// c.mu held.
func (c *Conn) update(now time.Time) {
	if c.life.State() == life.Over {
		return
	}
	c.apply(c.life.Update(c.stream.Status(), now), now)
	c.schedule(now)
	c.arm(now)
}

// schedule tells the writer if the stream has something to send, and reports whether
// it has.
func (c *Conn) schedule(now time.Time) bool {
	p := c.stream.Pending(now)
	if p == stream.Idle || !c.life.MaySend() {
		return false
	}
	c.host.Wake(c.route.Current().Own(), p)
	return true
}

// arm sets the timer to the next deadline, unless it fires earlier anyway: it
// then finds nothing to do and is set again.
func (c *Conn) arm(now time.Time) {
	status := c.stream.Status()
	next := c.life.Deadline(status)
	if c.life.MaySend() {
		next = stream.Earlier(next, c.stream.Deadline())
	}
	if !c.single && c.life.ExpectsPeer(status) {
		next = stream.Earlier(next, c.route.Deadline(status))
	}
	next = stream.Earlier(next, c.oldKeysUntil)
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

// expire is the function of the timer.
func (c *Conn) expire() {
	c.event(func(now time.Time) {
		c.timerAt = time.Time{}
		if stream.Passed(c.oldKeysUntil, now) {
			c.opener.DropPrevious()
			c.oldKeysUntil = time.Time{}
		}
		c.stream.Expire(now)
		c.apply(c.life.Expire(c.stream.Status(), now), now)
		c.expireRoute(now)
		c.changed.Broadcast()
	}, time.Now())
}

// event lets something happen to a Conn that is not gone yet.
func (c *Conn) event(happen func(now time.Time), now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.State() == life.Over {
		return
	}
	happen(now)
	c.update(now)
}

// Resume tells the peer what arrived here, and asks for the same, unless nothing can
// be asked of it any more: it may be gone, and would never answer.
func (c *Conn) Resume(now time.Time) {
	c.event(func(time.Time) {
		if c.life.ExpectsPeer(c.stream.Status()) {
			c.stream.Resume()
		}
	}, now)
}

// Doubt asks the peer for a sign of life, and if check is set whether its process
// knows the Conn: another process answers under its name. It reports whether it did.
func (c *Conn) Doubt(check bool, now time.Time) (asked bool) {
	c.event(func(now time.Time) {
		step := c.life.Doubt(c.stream.Status(), check, now)
		asked = step.Ping
		c.apply(step, now)
	}, now)
	return asked
}

// Revoke resets the Conn because its key is not served any more.
func (c *Conn) Revoke() {
	c.event(func(now time.Time) { c.apply(c.life.Revoke(now), now) }, time.Now())
}

// Gone takes in the word of the peer's process that it does not know the Conn.
func (c *Conn) Gone(now time.Time) {
	c.event(func(now time.Time) { c.apply(c.life.Gone(c.stream.Status(), now), now) }, now)
}

// Answer sends the peer a sign of life: it asked whether the Conn is known here.
func (c *Conn) Answer(now time.Time) {
	c.event(func(time.Time) {
		if s := c.life.State(); s == life.Open || s == life.Closing {
			c.stream.Ping()
		}
	}, now)
}
