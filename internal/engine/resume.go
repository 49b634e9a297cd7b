package engine

import (
	"slices"
	"time"
)

const (
	// resumeBatch is how many Conns resume at once after a link came up or ended, and
	// resumePause when the next do, so that thousands do not overflow a broker's
	// queue.
	resumeBatch = 64
	resumePause = 100 * time.Millisecond
)

// resumes are the Conns that have yet to resume over a link.
type resumes struct {
	waiting []*Conn   // bounded by the number of Conns
	next    time.Time // when the next may
}

// Up implements link.Source: Conns go on where they were, or by this link if they had none. Of each process whose
// Conns go by another one is asked which paths of this link work.
func (u *uplink) Up(now time.Time) {
	e := u.engine
	e.mu.Lock()
	first := u.lastUp.IsZero()
	u.lastUp = now
	e.links.Up(u.number, now)
	conns, dials := values(e.conns), distinct(e.dials)
	e.mu.Unlock()
	if !first {
		u.cameBack(now)
	}
	e.resume(conns, func(c *Conn) bool { return c.LinkUp(u.number, !first, now) })
	u.introduce(conns, now)
	for d := range dials {
		d.tell(event{from: u, now: now})
	}
}

// cameBack takes note of a connection that was made again now.
func (u *uplink) cameBack(now time.Time) {
	switch suspected, known := u.allowance.up(now); {
	case known:
		u.engine.config.Logger.Warn("the broker hung up in a transfer again and let us in at once, as services do beyond a rate; sending less for a while", "host", u.broker.Host)
	case suspected:
		u.engine.config.Logger.Info("the broker hung up in a transfer and let us in again at once, perhaps for the rate; beginning with less", "host", u.broker.Host)
	}
	u.engine.lookForNamesakes(now)
}

// distinct returns the dials, each of which is known under several ids.
func distinct(dials map[[8]byte]*dial) map[*dial]bool {
	all := make(map[*dial]bool)
	for _, d := range dials {
		all[d] = true
	}
	return all
}

// introduce has one Conn of each process ask about the paths of a link that came up.
func (u *uplink) introduce(conns []*Conn, now time.Time) {
	asked := make(map[*peer]bool)
	for _, c := range conns {
		if !asked[c.peer] && c.Introduce(u.number, now) {
			asked[c.peer] = true
		}
	}
}

// Down implements link.Source: Conns that went by the link go on by another one, if there is one.
func (u *uplink) Down(now time.Time, hungUp bool) {
	u.allowance.down(now, hungUp)
	e := u.engine
	e.mu.Lock()
	u.downSince = now
	e.links.Down(u.number)
	u.queue.clear()
	last := !e.links.Any()
	conns := values(e.conns)
	u.resumes = resumes{}
	u.resuming.Store(false)
	e.mu.Unlock()
	if e.ending.Load() {
		return // the Conns end as well
	}
	if last && len(e.uplinks) > 1 {
		e.config.Logger.Warn("no broker is left; all are tried again and again")
	}
	e.resume(conns, func(c *Conn) bool { return c.LinkDown(u.number, now) })
}

// resume lets something happen to Conns, and has those resume that have to: some at once, those with data first.
func (e *Engine) resume(conns []*Conn, happens func(c *Conn) bool) {
	idle := make(map[*Conn]bool, len(conns))
	conns = slices.DeleteFunc(slices.Clone(conns), func(c *Conn) bool {
		idle[c] = !c.Waiting()
		return !happens(c)
	})
	slices.SortStableFunc(conns, func(a, b *Conn) int { return rank(idle[a]) - rank(idle[b]) })
	waiting := make([][]*Conn, len(e.uplinks))
	for _, c := range conns {
		own := c.Own() // which takes its lock, and so comes before the Engine's
		waiting[own] = append(waiting[own], c)
	}
	for own, conns := range waiting {
		e.uplinks[own].waitToResume(conns)
	}
}

// waitToResume has Conns resume over the link in their turn.
func (u *uplink) waitToResume(conns []*Conn) {
	if len(conns) == 0 {
		return
	}
	u.engine.mu.Lock()
	u.resumes.waiting = append(u.resumes.waiting, conns...)
	u.resuming.Store(true)
	u.engine.mu.Unlock()
	u.link.Wake()
}

func rank(late bool) int {
	if late {
		return 1
	}
	return 0
}

// resumeNext lets Conns resume whose turn it is, and returns after how long the next
// may; 0: there are none. It runs on the writer goroutine, which holds no lock.
func (u *uplink) resumeNext(now time.Time) time.Duration {
	if !u.resuming.Load() {
		return 0
	}
	conns, wait := u.takeResumes(now)
	for _, c := range conns {
		c.Resume(now)
	}
	return wait
}

func (u *uplink) takeResumes(now time.Time) (conns []*Conn, wait time.Duration) {
	e := u.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &u.resumes
	if wait := r.next.Sub(now); wait > 0 {
		return nil, wait
	}
	n := min(resumeBatch, len(r.waiting))
	conns, r.waiting = r.waiting[:n], r.waiting[n:]
	r.next = now.Add(resumePause)
	if len(r.waiting) == 0 {
		u.resumes = resumes{}
		u.resuming.Store(false)
		return conns, 0
	}
	return conns, resumePause
}
