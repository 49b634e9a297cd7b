package mux

import (
	"sync"

	"github.com/mqtt-e2e/mqtte2e"
)

// A quota is a supply that keys share. None gets more of it than is left then: one
// key alone gets half, and whoever comes next finds something.
type quota struct {
	most int // for one key

	mu    sync.Mutex // guards the rest, and own of each share; leaf
	left  int
	taken map[mqtte2e.Key]int // by those who have some
}

// newQuota returns a quota of which one key alone gets n, and all together twice
// that.
func newQuota(n int) *quota { return &quota{most: n, left: 2 * n, taken: make(map[mqtte2e.Key]int)} }

// of returns the share of a key.
func (q *quota) of(key mqtte2e.Key) share { return share{quota: q, key: key} }

// ofSession returns the share of a session under a key, which gets no more of it
// than is left to the key then, but at least one.
func (q *quota) ofSession(key mqtte2e.Key) share { return share{q, key, new(int)} }

// A share is what one key has of a quota, or one session. The zero share is
// unlimited.
type share struct {
	quota *quota
	key   mqtte2e.Key
	own   *int // what the session has; nil: it may have all that the key has
}

// take takes n, unless that is too much.
func (s share) take(n int) bool {
	if s.quota == nil {
		return true
	}
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	taken, left := s.quota.taken[s.key]+n, s.quota.left-n
	if taken > left || s.own != nil && *s.own+n > max(1, s.quota.most-taken) {
		return false
	}
	s.add(n)
	return true
}

// give gives n back.
func (s share) give(n int) {
	if s.quota == nil {
		return
	}
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	s.add(-n)
}

// add is called with the mutex held.
func (s share) add(n int) {
	s.quota.left -= n
	if s.own != nil {
		*s.own += n
	}
	if s.quota.taken[s.key] += n; s.quota.taken[s.key] == 0 {
		delete(s.quota.taken, s.key)
	}
}
