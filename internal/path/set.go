package path

import (
	"sync"
	"time"
)

const (
	// answerTime is how long an answer to a challenge may take before it counts as none.
	answerTime = 5 * time.Second
	// steadyTime is how long a path has to have answered every challenge before a Conn goes back to it: a broker that comes and goes
	// takes nobody along.
	steadyTime = time.Minute
	// recheckPause is the time from one challenge of these to the next, for all Conns together.
	recheckPause = 20 * time.Second
)

// A Set is what is known of the paths to one process. It is safe for concurrent use.
type Set struct {
	links *Links
	peer  uint8 // links of the peer

	mu        sync.Mutex // guards all below; only that of Links is taken with it held
	known     []known    // by our link, then the peer's; nil where there is only one path, about which nothing is asked
	begun     bool       // all paths were challenged once
	rechecked time.Time  // when earlier paths were last challenged
}

// known is what is known of one path.
type known struct {
	asked    time.Time     // when it was last challenged; zero: never
	open     time.Time     // when it was first challenged since the last answer; zero: it was not
	answered time.Time     // when the last answer came; zero: none did
	since    time.Time     // since when it has answered every challenge and no Conn left it; zero: it has not
	rtt      time.Duration // of the last one
	size     int           // of the largest payload that the peer takes on it, bytes; 0: it did not say
}

// NewSet returns what is known of the paths to a process with so many links: nothing.
func NewSet(links *Links, peer uint8) *Set {
	s := &Set{links: links, peer: peer}
	if n := links.Len() * int(peer); n > 1 {
		s.known = make([]known, n)
	}
	return s
}

// Single reports whether there is one path only.
func (s *Set) Single() bool { return s.known == nil }

// valid reports whether there is such a path.
func (s *Set) valid(p ID) bool { return int(p.Own()) < s.links.Len() && p.Peer() < s.peer }

// at returns what is known of a valid path, where there are several. It is called with mu held.
func (s *Set) at(p ID) *known { return &s.known[int(p.Own())*int(s.peer)+int(p.Peer())] }

// usable are the paths whose link is up here.
func (s *Set) usable() (m Mask) {
	for own := range uint8(s.links.Len()) {
		if s.links.IsUp(own) {
			m |= s.ofLink(own)
		}
	}
	return m
}

func (s *Set) ofLink(own uint8) Mask { return (1<<s.peer - 1) << (own * MaxLinks) }

// paths calls visit for each of those in m, where there are several.
func (s *Set) paths(m Mask, visit func(p ID, k *known)) {
	if s.Single() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for m != 0 {
		p, _ := m.First()
		m = m.Without(p)
		visit(p, s.at(p))
	}
}

// begin reports whether nobody has challenged all paths yet, once.
func (s *Set) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.begun
	s.begun = true
	return first
}

// silent reports whether a challenge has gone unanswered for long, however often it was repeated since: many Conns ask.
func (k *known) silent(now time.Time) bool { return !k.open.IsZero() && now.Sub(k.open) > answerTime }

// challenge takes note of challenges.
func (s *Set) challenge(m Mask, now time.Time) {
	s.paths(m, func(_ ID, k *known) {
		if k.open.IsZero() {
			k.open = now
		}
		if k.silent(now) {
			k.since = time.Time{}
		}
		k.asked = now
	})
}

// answered takes note of an answer, and of the largest payload that the peer takes.
func (s *Set) answered(p ID, size int, now time.Time) {
	s.paths(Mask(0).With(p), func(_ ID, k *known) {
		if k.since.IsZero() {
			k.since = now
		}
		k.answered, k.open, k.rtt, k.size = now, time.Time{}, now.Sub(k.asked), size
	})
}

// left takes note that a Conn moved from a path, which has to be steady anew before one goes back to it: a broker that is
// slow from time to time answers every challenge.
func (s *Set) left(p ID) {
	s.paths(Mask(0).With(p), func(_ ID, k *known) { k.since = time.Time{} })
}

// challenged takes note of a challenge of the peer, and reports whether to challenge that path, too, since it is not known here whether
// it works.
func (s *Set) challenged(p ID, size int, now time.Time) (unknown bool) {
	s.paths(Mask(0).With(p), func(_ ID, k *known) {
		k.size = size
		unknown = now.Sub(k.answered) > answerTime && now.Sub(k.asked) > answerTime
	})
	return unknown
}

// size is the largest payload that the peer takes on a path, and rtt the round trip last measured there; 0: not known.
func (s *Set) size(p ID) (size int, rtt time.Duration) {
	s.paths(Mask(0).With(p), func(_ ID, k *known) { size, rtt = k.size, k.rtt })
	return size, rtt
}

// hopeful are the paths that have worked and whose link is up.
func (s *Set) hopeful() (m Mask) {
	s.paths(s.usable(), func(p ID, k *known) {
		if !k.answered.IsZero() {
			m = m.With(p)
		}
	})
	return m
}

// first returns the path of several that a Conn takes.
func (s *Set) first(m Mask, dialer bool) (found ID, ok bool) {
	s.paths(m, func(p ID, _ *known) {
		if !ok || before(p, found, dialer) {
			found, ok = p, true
		}
	})
	return found, ok
}

// before reports whether a Conn takes p if q is as good. Both ends take the first in the dialer's list, or each would follow
// the other to the path that this one left.
func before(p, q ID, dialer bool) bool {
	if dialer {
		return p < q
	}
	return p.Reverse() < q.Reverse()
}

// guess returns the path that most likely works when another has ended: one that has worked, and has neither link of the one that
// ended, since what is lost here is most often a broker, and so lost there as well. One that was asked for long and never answered
// is none.
func (s *Set) guess(ended ID, dialer bool, now time.Time) (best ID, ok bool) {
	most := -1
	s.paths(s.usable().Without(ended), func(p ID, k *known) {
		likely := 0
		if k.answered.IsZero() && k.silent(now) {
			return
		}
		if !k.answered.IsZero() {
			likely += 2
		}
		if p.Own() != ended.Own() && p.Peer() != ended.Peer() {
			likely++
		}
		if likely > most || likely == most && before(p, best, dialer) {
			best, most = p, likely
		}
	})
	return best, most >= 0
}

// earlier are the paths that have worked and whose link stands before that of p in the list.
func (s *Set) earlier(p ID) Mask { return s.hopeful() & (Mask(1)<<(p.Own()*MaxLinks) - 1) }

// steady returns the first of these that has answered every challenge for a while, but for one that is open.
func (s *Set) steady(m Mask, now time.Time) (found ID, ok bool) {
	s.paths(m, func(p ID, k *known) {
		lasting := !k.since.IsZero() && k.answered.Sub(k.since) >= steadyTime
		if !ok && lasting && !k.silent(now) && now.Sub(s.links.Since(p.Own())) >= steadyTime {
			found, ok = p, true
		}
	})
	return found, ok
}

// recheck reports whether it is time to challenge earlier paths again.
func (s *Set) recheck(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := now.Sub(s.rechecked) >= recheckPause
	if due {
		s.rechecked = now
	}
	return due
}
