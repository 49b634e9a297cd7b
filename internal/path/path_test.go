package path

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// start is when these tests begin, and second what most of their times are made of.
var start = time.Unix(1_000_000, 0)

const second = time.Second

func after(d time.Duration) time.Time { return start.Add(d) }

// mask returns a set of paths.
func mask(paths ...ID) (m Mask) {
	for _, p := range paths {
		m = m.With(p)
	}
	return m
}

// linksUp returns so many links, all up since an hour before the start.
func linksUp(n int) *Links {
	l := NewLinks(n)
	for own := range uint8(n) {
		l.Up(own, after(-time.Hour))
	}
	return l
}

// stalled is how a stream stands in whose path nothing came back since a time.
func stalled(since time.Time, probeTimeout time.Duration) stream.Status {
	return stream.Status{Stalled: since, ProbeTimeout: probeTimeout}
}

func TestIDIsAPairOfLinks(t *testing.T) {
	seen := make(map[ID]bool)
	for own := range uint8(MaxLinks) {
		for peer := range uint8(MaxLinks) {
			p := Of(own, peer)
			if p.Own() != own || p.Peer() != peer || uint8(p) != 8*own+peer || seen[p] {
				t.Errorf("path %d-%d is %d, %v", own, peer, p, p)
			}
			if r := p.Reverse(); r.Own() != peer || r.Peer() != own || r.Reverse() != p {
				t.Errorf("%v is %v for the peer", p, r)
			}
			seen[p] = true
		}
	}
	if got := Of(2, 7).String(); got != "2-7" {
		t.Errorf("it is shown as %s", got)
	}
}

func TestMaskIsASet(t *testing.T) {
	var m Mask
	if _, ok := m.First(); ok {
		t.Error("an empty one has a first")
	}
	for p := range ID(MaxLinks * MaxLinks) {
		if m.Has(p) {
			t.Errorf("it has %v before that was added", p)
		}
		m = m.With(p)
		if !m.Has(p) || m.Without(p).Has(p) || m.With(p) != m || m.Without(p).With(p) != m {
			t.Errorf("%v was added to %x", p, m)
		}
	}
	for own := range uint8(MaxLinks) {
		of := m.OfLink(own)
		if first, ok := of.First(); !ok || first != Of(own, 0) {
			t.Errorf("the first of link %d is %v", own, first)
		}
		for p := range ID(MaxLinks * MaxLinks) {
			if of.Has(p) != (p.Own() == own) {
				t.Errorf("%v among those of link %d: %v", p, own, of.Has(p))
			}
		}
	}
}

func TestLinks(t *testing.T) {
	l := NewLinks(3)
	if l.Len() != 3 || l.Any() {
		t.Errorf("%d links, one of them up: %v", l.Len(), l.Any())
	}
	l.Up(2, after(second))
	if !l.Any() || !l.IsUp(2) || l.IsUp(1) || !l.Since(2).Equal(after(second)) || !l.Since(0).IsZero() {
		t.Error("link 2 came up, and that is not what is known")
	}
	l.Up(0, after(2*second))
	l.Down(2)
	if !l.Any() || l.IsUp(2) || !l.Since(2).IsZero() || !l.IsUp(0) {
		t.Error("link 2 ended, and that is not what is known")
	}
	l.Down(0)
	if l.Any() {
		t.Error("one is still up")
	}
}
