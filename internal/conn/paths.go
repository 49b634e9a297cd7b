package conn

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// Outbound returns the path on which the Conn has something to send over a link, or may have; ok: there is
// one.
func (c *Conn) Outbound(own uint8) (p path.ID, ok bool) {
	if c.single {
		return p, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok = c.route.Pending().OfLink(own).First(); ok {
		return p, true
	}
	return c.route.Current(), c.route.Current().Own() == own
}

// LinkUp takes note that a link came up, again or for the first time, and reports whether the peer has to be told
// by Resume: the Conn goes on, on the path that it had or on another one.
func (c *Conn) LinkUp(own uint8, again bool, now time.Time) (resume bool) {
	c.event(func(now time.Time) {
		if p := c.route.Current(); p.Own() == own {
			c.trace.path(p, true)
			c.life.PathUp(now)
			limit, _ := c.limits()
			c.stream.PathUp(now, limit)
			resume = again
			return
		}
		resume = c.take(c.route.Leave(now), now)
	}, now)
	return resume
}

// LinkDown takes note that a link has ended. The Conn moves to another path if it was sending there; then the
// peer has to be told by Resume. If there is none, its timers rest.
func (c *Conn) LinkDown(own uint8, now time.Time) (resume bool) {
	c.event(func(now time.Time) {
		p := c.route.Current()
		if p.Own() != own {
			return
		}
		if resume = c.take(c.route.Leave(now), now); !resume {
			c.trace.path(p, false)
			c.apply(c.life.NoPath(now), now)
			c.stream.NoPath()
		}
	}, now)
	return resume
}

// Introduce asks which paths of a link that came up work, for all Conns of the peer's process.
// It reports whether it did.
func (c *Conn) Introduce(own uint8, now time.Time) (asked bool) {
	c.event(func(now time.Time) {
		if c.life.MaySend() && c.life.ExpectsPeer(c.stream.Status()) {
			c.take(c.route.Introduce(own, now), now)
			asked = true
		}
	}, now)
	return asked
}

// Own is the link that the Conn sends over.
func (c *Conn) Own() uint8 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.route.Current().Own()
}

// limits are the largest plaintext and, if it is known, the round trip of the path in use.
func (c *Conn) limits() (plaintext int, rtt time.Duration) {
	limit := c.host.Limit(c.route.Current().Own())
	size, rtt := c.route.Limits()
	if size > 0 {
		limit = min(limit, size)
	}
	return min(limit-record.Overhead, c.max), rtt
}

// take does what the Conn's Route asks for, and reports whether the peer has to be told by Resume that the Conn
// moved. It is called with c.mu held.
func (c *Conn) take(step path.Step, now time.Time) (resume bool) {
	c.wakeOn(step.Wake)
	if step.Moved == "" {
		return step.Resume
	}
	limit, rtt := c.limits()
	c.life.PathUp(now)
	c.stream.Move(now, uint8(step.To), limit, rtt)
	c.trace.path(step.To, true)
	c.host.Moved(step.From, step.To, step.Moved)
	return step.Resume
}

// wakeOn has something sent on each of these paths.
func (c *Conn) wakeOn(paths path.Mask) {
	for own := range uint8(path.MaxLinks) {
		if paths.OfLink(own) != 0 {
			c.host.Wake(own, stream.Urgent)
		}
	}
}

// learn takes in what a packet said about paths. It is called with c.mu held.
func (c *Conn) learn(r stream.Received, now time.Time) {
	if a := r.Response; a.Size > 0 && c.take(c.route.Answered(path.ID(a.Path).Reverse(), a.Size, a.Round, now), now) {
		c.stream.Resume()
	}
	if q := r.Challenge; q.Size > 0 {
		c.take(c.route.Challenged(path.ID(q.Path).Reverse(), q.Size, q.Round, now), now)
	}
	if r.Resumed {
		c.named(path.ID(r.Path).Reverse(), now)
	}
	if r.OfPaths() {
		limit, _ := c.limits()
		c.stream.Bound(limit)
	}
}

// named takes in which path the peer sends on.
func (c *Conn) named(p path.ID, now time.Time) {
	before := c.route.Current()
	c.take(c.route.Named(p, now), now)
	if after := c.route.Current(); after != before && c.route.Moves() == 0 {
		limit, _ := c.limits()
		c.life.PathUp(now)
		c.stream.SetPath(uint8(after), limit)
		c.stream.PathUp(now, limit)
	}
}

// nextOnPath makes the packet that asks whether a path works, or answers that.
func (c *Conn) nextOnPath(p path.ID, room []byte, now time.Time) []byte {
	var challenge, response wire.Path
	ask, answer, asks, answers := c.route.Take(p)
	size := c.host.Limit(p.Own())
	if asks {
		challenge = wire.Path{Path: uint8(p), Size: size, Round: ask}
	}
	if answers {
		response = wire.Path{Path: uint8(p), Size: size, Round: answer}
	}
	c.wakeOn(c.route.Pending().OfLink(p.Own()))
	return c.stream.NextOnPath(now, room, challenge, response)
}

// expireRoute looks whether the Conn has to leave its path. It is called with c.mu held.
func (c *Conn) expireRoute(now time.Time) {
	status := c.stream.Status()
	if c.life.MaySend() && c.life.ExpectsPeer(status) && c.take(c.route.Expire(status, now), now) {
		c.stream.Resume()
	}
}
