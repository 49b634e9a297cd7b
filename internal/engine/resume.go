package engine

import (
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/record"
)

const (
	// resumeBatch is how many Conns resume at once after a reconnect, and
	// resumePause when the next do, so that thousands do not overflow a broker's
	// queue.
	resumeBatch = 64
	resumePause = 100 * time.Millisecond
)

// resumes are the Conns that have yet to resume. Guarded by Engine.mu.
type resumes struct {
	waiting []*Conn   // bounded by the number of Conns
	next    time.Time // when the next may
}

// Up implements link.Source: every Conn goes on where it was.
func (e *Engine) Up(now time.Time) {
	e.mu.Lock()
	first := e.lastUp.IsZero()
	up, ended := e.lastUp, e.downSince
	e.upSince, e.lastUp = now, now
	conns := values(e.conns)
	e.mu.Unlock()
	if !first {
		e.cameBack(up, ended, now)
	}
	limit := e.messageSize() - record.Overhead
	idle := make(map[*Conn]bool, len(conns))
	for _, c := range conns {
		c.PathUp(limit, now)
		idle[c] = !c.Waiting()
	}
	if first {
		return // they were made over this connection
	}
	// Those with data go first.
	slices.SortStableFunc(conns, func(a, b *Conn) int { return rank(idle[a]) - rank(idle[b]) })
	e.mu.Lock()
	e.resumes = resumes{waiting: conns}
	e.resuming.Store(len(conns) > 0)
	e.mu.Unlock()
	e.link.Wake()
}

// cameBack takes note of a connection that came up at a time, ended at another, and was
// made again now.
func (e *Engine) cameBack(up, ended, now time.Time) {
	if e.allowance.hungUp(up, ended, now) {
		e.config.Logger.Warn("the broker hung up in a transfer and let us in again at once, as services do beyond a rate; sending less for a while")
	}
	e.lookForNamesakes(now)
}

func rank(late bool) int {
	if late {
		return 1
	}
	return 0
}

// Down implements link.Source.
func (e *Engine) Down(now time.Time) {
	e.mu.Lock()
	e.upSince, e.downSince = time.Time{}, now
	conns := values(e.conns)
	e.mu.Unlock()
	for _, c := range conns {
		c.NoPath(now)
	}
}

// resumeNext lets Conns resume whose turn it is, and returns after how long the next
// may; 0: there are none. It runs on the writer goroutine, which holds no lock.
func (e *Engine) resumeNext(now time.Time) time.Duration {
	if !e.resuming.Load() {
		return 0
	}
	conns, wait := e.takeResumes(now)
	for _, c := range conns {
		c.Resume(now)
	}
	return wait
}

func (e *Engine) takeResumes(now time.Time) (conns []*Conn, wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &e.resumes
	if wait := r.next.Sub(now); wait > 0 {
		return nil, wait
	}
	n := min(resumeBatch, len(r.waiting))
	conns, r.waiting = r.waiting[:n], r.waiting[n:]
	r.next = now.Add(resumePause)
	if len(r.waiting) == 0 {
		e.resumes = resumes{}
		e.resuming.Store(false)
		return conns, 0
	}
	return conns, resumePause
}
