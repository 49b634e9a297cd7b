package mux

import (
	"sync"

	"github.com/mqtt-e2e/mqtte2e"
)

// A quota is a supply that peers share. Nobody gets more of it than is left then:
// one key alone gets half, and whoever comes next finds something.
type quota struct {
	mu    sync.Mutex // guards the rest; leaf
	left  int
	taken map[mqtte2e.Key]int // by those who have some
}

// newQuota returns a quota of which one key alone gets n, and all together twice
// that.
func newQuota(n int) *quota { return &quota{left: 2 * n, taken: make(map[mqtte2e.Key]int)} }

func (q *quota) of(key mqtte2e.Key) share { return share{q, key} }

// A share is what one key has of a quota. The zero share is unlimited.
type share struct {
	quota *quota
	key   mqtte2e.Key
}

// take takes n, unless that is too much.
func (s share) take(n int) bool {
	if s.quota == nil {
		return true
	}
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	taken, left := s.quota.taken[s.key]+n, s.quota.left-n
	if taken > left {
		return false
	}
	s.set(taken, left)
	return true
}

// give gives n back.
func (s share) give(n int) {
	if s.quota == nil {
		return
	}
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	s.set(s.quota.taken[s.key]-n, s.quota.left+n)
}

// set is called with the mutex held.
func (s share) set(taken, left int) {
	s.quota.left = left
	if taken == 0 {
		delete(s.quota.taken, s.key)
		return
	}
	s.quota.taken[s.key] = taken
}
