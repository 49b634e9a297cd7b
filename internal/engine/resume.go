package engine

import (
	"slices"
	"time"
)

const (
	// maxResumes is how many Conns at once wait for an answer to RESUME after
	// a reconnect, so that thousands do not overflow a broker's queue.
	maxResumes = 64
	// resumeSlot is how long an unanswered RESUME holds one of these places;
	// it is repeated all the same.
	resumeSlot = time.Second
)

// resumes are the Conns that have yet to resume. Guarded by Engine.mu.
type resumes struct {
	waiting []*Conn // bounded by the number of Conns
	running int
}

// Up implements link.Source: every Conn goes on where it was.
func (e *Engine) Up(now time.Time) {
	e.mu.Lock()
	first := e.lastUp.IsZero()
	up, ended := e.lastUp, e.downSince
	e.upSince, e.lastUp = now, now
	conns := values(e.conns)
	e.mu.Unlock()
	if first {
		return
	}
	if e.allowance.hungUp(up, ended, now) {
		e.config.Logger.Warn("the broker hung up in a transfer and let us in again at once, as services do beyond a rate; sending less for a while")
	}
	e.lookForNamesakes(now)
	urgent := make(map[*Conn]bool, len(conns))
	for _, c := range conns {
		urgent[c] = c.linkUp(now)
	}
	slices.SortStableFunc(conns, func(a, b *Conn) int { return rank(urgent[a]) - rank(urgent[b]) })
	e.mu.Lock()
	e.resumes = resumes{waiting: conns}
	e.mu.Unlock()
	e.chores.Store(true)
	e.link.Wake()
}

func rank(urgent bool) int {
	if urgent {
		return 0
	}
	return 1
}

// Down implements link.Source.
func (e *Engine) Down(now time.Time) {
	e.mu.Lock()
	e.upSince, e.downSince = time.Time{}, now
	conns := values(e.conns)
	e.mu.Unlock()
	for _, c := range conns {
		c.linkDown(now)
	}
}

func (e *Engine) linkUpSince() time.Time {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.upSince
}

// linkUp restarts the Conn's timers and reports whether data of it waits.
func (c *Conn) linkUp(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resumeUntil = time.Time{} // the slots were those of the last connection
	c.stream.LinkUp(now)
	c.update(now)
	return c.stream.Unacknowledged()
}

func (c *Conn) linkDown(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endCheck() // silence says nothing now
	c.peer.times.doubt()
	c.stream.LinkDown()
	c.stream.LimitPacket(c.engine.messageSize() - overhead)
	c.update(now)
}

// resumeNext lets Conns resume while there are places. It runs on the writer
// goroutine, which holds no lock.
func (e *Engine) resumeNext(now time.Time) {
	for {
		c := e.resumes.next(e)
		if c == nil {
			return
		}
		c.resume(now)
	}
}

func (r *resumes) next(e *Engine) *Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.running >= maxResumes || len(r.waiting) == 0 {
		return nil
	}
	c := r.waiting[0]
	r.waiting[0] = nil
	r.waiting = r.waiting[1:]
	r.running++
	return c
}

func (c *Conn) resume(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resumeUntil = now.Add(resumeSlot)
	if !c.expectsLife() {
		c.endResume()
		return
	}
	c.stream.Resume()
	c.update(now)
}

// endResume gives the Conn's place to the next.
func (c *Conn) endResume() {
	if c.resumeUntil.IsZero() {
		return
	}
	c.resumeUntil = time.Time{}
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resumes.running = max(e.resumes.running-1, 0)
	if len(e.resumes.waiting) > 0 {
		e.chores.Store(true)
		e.link.Wake()
	}
}
