// Package path knows the paths between two processes. A path is a pair of links, one of each, between which messages pass:
// by the same broker, or by two nodes of one cluster. A Set is what is known of all of them, shared by the Conns of two processes; a Route
// is which one a Conn sends on. Both are pure but for the Set's lock: time is a parameter, and what to do is returned.
package path

import (
	"fmt"
	"math/bits"
	"sync"
	"time"
)

// MaxLinks is how many links a process may have.
const MaxLinks = 8

// An ID is the number of a path as one end sees it: MaxLinks times that of its own link, plus that of the peer's.
type ID uint8

// Of returns the path between our link and the peer's.
func Of(own, peer uint8) ID { return ID(own*MaxLinks + peer) }

// Own and Peer are the links at the two ends.
func (p ID) Own() uint8  { return uint8(p) / MaxLinks }
func (p ID) Peer() uint8 { return uint8(p) % MaxLinks }

// Reverse is the path as the other end sees it.
func (p ID) Reverse() ID { return Of(p.Peer(), p.Own()) }

// String shows the links: ours, then the peer's.
func (p ID) String() string { return fmt.Sprintf("%d-%d", p.Own(), p.Peer()) }

// A Mask is a set of paths.
type Mask uint64

// Has reports whether p is among them.
func (m Mask) Has(p ID) bool { return m&(1<<p) != 0 }

// With returns them and p, Without them but p.
func (m Mask) With(p ID) Mask    { return m | 1<<p }
func (m Mask) Without(p ID) Mask { return m &^ (1 << p) }

// OfLink are those of them with our link.
func (m Mask) OfLink(own uint8) Mask { return m & ((1<<MaxLinks - 1) << (own * MaxLinks)) }

// First is the one with the lowest number; ok: there is one.
func (m Mask) First() (p ID, ok bool) { return ID(bits.TrailingZeros64(uint64(m))), m != 0 }

// Links is which links of a process are up. It is safe for concurrent use.
type Links struct {
	mu sync.Mutex // guards all below; no lock is taken with it held
	up []time.Time
}

// NewLinks returns n links that are down.
func NewLinks(n int) *Links { return &Links{up: make([]time.Time, n)} }

// Len is how many links there are.
func (l *Links) Len() int { return len(l.up) }

// Up and Down take note of a change.
func (l *Links) Up(own uint8, now time.Time) { l.set(own, now) }
func (l *Links) Down(own uint8)              { l.set(own, time.Time{}) }

func (l *Links) set(own uint8, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up[own] = since
}

// Since is since when a link is up; zero: it is not.
func (l *Links) Since(own uint8) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up[own]
}

// IsUp reports whether a link is up, and Any whether one is.
func (l *Links) IsUp(own uint8) bool { return !l.Since(own).IsZero() }

func (l *Links) Any() bool {
	for own := range l.up {
		if l.IsUp(uint8(own)) {
			return true
		}
	}
	return false
}
