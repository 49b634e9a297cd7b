package stream

import (
	"sync"
	"time"
)

// An Ensemble is what streams to one process share (RFC 9040), since what they send goes
// the same way. It is safe for concurrent use.
type Ensemble struct {
	mu     sync.Mutex // guards all below
	pushes pushes
	rates  map[uint8]*rates // of the streams on a path, for as many paths as there are
}

// NewEnsemble returns what streams to a process share from the beginning.
func NewEnsemble() *Ensemble {
	return &Ensemble{pushes: pushes{credit: pushCredit}, rates: make(map[uint8]*rates)}
}

// received takes note of a packet of n bytes.
func (e *Ensemble) received(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pushes.earn(min(n, pushEarned))
}

// sent takes note of a packet of n bytes and returns how long after the one before it it goes.
func (e *Ensemble) sent(now time.Time, n int) (since time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pushes.earn(min(n, pushEarned))
	since, e.pushes.previous = now.Sub(e.pushes.previous), now
	return since
}

// claim takes what a push costs; see pushes.
func (e *Ensemble) claim(now time.Time, data bool) (at time.Time, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pushes.claim(now, data)
}

// refund gives back what a push would have cost.
func (e *Ensemble) refund() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pushes.earn(pushCost)
}

// share takes in the rate of a stream that has more to send than its path takes, and returns
// the mean of all such streams on the path, as a part of that rate.
func (e *Ensemble) share(now time.Time, path uint8, m *member, rate float64) float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rates[path] == nil {
		e.rates[path] = &rates{start: now}
	}
	m.leave()
	return e.rates[path].join(now, m, rate) / rate
}

// leave takes a stream out that has not more to send.
func (e *Ensemble) leave(m *member) {
	if m.of == nil {
		return // without the lock: nobody else asks
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	m.leave()
}
