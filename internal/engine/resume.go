package engine

import (
	"slices"
	"sync/atomic"
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
	first := e.upSince.IsZero() && e.hangs.connections == 0
	e.upSince = now
	e.hangs.begin()
	conns := values(e.conns)
	e.mu.Unlock()
	if first {
		return
	}
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
	e.upSince = time.Time{}
	e.limit = e.hangs.limit(e.limit, e.config.MaxMessageSize, now)
	limit := e.limit
	conns := values(e.conns)
	e.mu.Unlock()
	for _, c := range conns {
		c.linkDown(now, limit)
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

func (c *Conn) linkDown(now time.Time, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endCheck() // silence says nothing now
	c.peer.times.doubt()
	c.stream.LinkDown()
	c.stream.LimitPacket(limit - overhead)
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

const (
	// largeShare of the packet limit makes a packet a large one.
	largeShare = 2
	// hangTime is how soon after its first large packet a connection has to
	// end for the packet to be suspected.
	hangTime = time.Second
	// maxHangs such connections in a row halve the packet size.
	maxHangs = 2
	// limitLife is after how long without suspicion the packet size doubles
	// again, for Conns made from then on: the broker may be another one.
	limitLife = time.Hour
	// minLimit is the least to which hang-ups take the packet size, bytes.
	minLimit = 1 << 10
)

// hangs finds out whether the broker hangs up on large messages, as MQTT 3.1.1
// brokers do without a word. A connection that ends for another reason, however
// often, is not suspected if what it published was acknowledged. Guarded by
// Engine.mu, but for first and largest, which belong to the writer while the
// link is up, and passed, which the reader sets.
type hangs struct {
	connections int          // connections so far
	first       time.Time    // when this connection published its first large packet
	largest     int          // size of the largest packet that it published
	passed      atomic.Int64 // size of the largest packet that a peer acknowledged meanwhile
	row         int          // connections in a row that ended soon after their first large packet
	halved      time.Time    // when the packet size was last halved
}

func (h *hangs) begin() {
	h.connections++
	h.first, h.largest = time.Time{}, 0
	h.passed.Store(0)
}

// notePassed is told what was acknowledged on this connection.
func (h *hangs) notePassed(size int) {
	if int64(size) > h.passed.Load() {
		h.passed.Store(int64(size))
	}
}

// limit returns the packet size for the next connection, given that of the one
// that ended now and the largest there may be.
func (h *hangs) limit(size, largest int, now time.Time) int {
	switch {
	case h.end(now):
		h.halved = now
		return max(size/2, min(size, minLimit))
	case size < largest && now.Sub(h.halved) >= limitLife:
		h.halved = now
		return min(2*size, largest)
	}
	return size
}

// end reports whether the packet size is to blame.
func (h *hangs) end(now time.Time) bool {
	if h.first.IsZero() || now.Sub(h.first) >= hangTime || h.passed.Load() >= int64(h.largest) {
		h.row = 0
		return false
	}
	h.row++
	if h.row < maxHangs {
		return false
	}
	h.row = 0
	return true
}

// noteSize is told of every packet written.
func (e *Engine) noteSize(size int, now time.Time) {
	e.hangs.largest = max(e.hangs.largest, size)
	if e.hangs.first.IsZero() && size > e.limit/largeShare {
		e.hangs.first = now
	}
}
