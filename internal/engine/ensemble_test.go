package engine

import (
	"testing"
	"time"
)

// TestEnsemblesAreApartByKey: who holds another key may name any inbox.
func TestEnsemblesAreApartByKey(t *testing.T) {
	e := unlinked(t, 1)
	who := process{links: 1}
	_, first := e.join(who, [16]byte{1}, time.Now())
	_, second := e.join(who, [16]byte{1}, time.Now())
	p, other := e.join(who, [16]byte{2}, time.Now())
	if first != second || first == other {
		t.Error("Conns under a key do not share what they should, or others do")
	}
	for range 3 {
		e.mu.Lock()
		e.leave(p)
		e.mu.Unlock()
	}
	if len(e.peers) > 0 {
		t.Errorf("%d peers are left", len(e.peers))
	}
}
