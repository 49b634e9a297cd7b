package stream

import (
	"testing"
	"time"
)

// A course plays a path to a congestion control, one round trip after the other.
// The path has a smallest round trip of testRTT.
type course struct {
	*testing.T
	c      congestion
	now    time.Time
	next   uint64 // number
	grant  int
	flight int           // bytes, when the ACK of a trip comes
	clock  time.Duration // of the peer
}

func newCourse(t *testing.T) *course {
	return &course{T: t, c: newCongestion(wire1), now: time.Unix(1e9, 0), grant: maxBuffer, clock: testClock}
}

// trip has packets arrive, the last of them after it waited, and all of them
// acknowledged at once after took. A stream that is busy uses up its window.
func (p *course) trip(packets int, took, waited time.Duration, busy bool) {
	first := p.next
	p.next += uint64(packets)
	if busy {
		p.c.onFull(p.next)
	}
	p.now, p.clock = p.now.Add(took), p.clock+took
	for n := first; n < p.next; n++ {
		if n == p.next-1 {
			p.c.onSample(p.now, testRTT+waited, testClock+testRTT/2+waited)
		}
		p.c.onPacket(time.Time{}, n, p.c.packet, p.grant)
	}
	p.c.onAck(report{p.now, p.clock, packets * p.c.packet, p.next, p.next, p.grant, p.flight})
}

// fill is a trip of as many packets as the window holds.
func (p *course) fill(took, waited time.Duration) { p.trip(p.c.window/p.c.packet, took, waited, true) }

// settled returns a course after its start-up, on a path that delivers 100
// packets in testRTT and holds a window of so many.
func settled(t *testing.T, window int) *course {
	p := newCourse(t)
	p.c.startup = false
	for range 2 { // of which the first only marks a beginning
		p.trip(100, testRTT, 0, false)
	}
	p.c.window = window * wire1
	if rate := p.c.rate.best(); rate != 100*wire1/testRTT.Seconds() {
		t.Fatalf("the rate is %v", rate)
	}
	return p
}

func (p *course) want(why string, bytes int) {
	p.Helper()
	if p.c.window != bytes {
		p.Fatalf("%s: the window is %d bytes, want %d", why, p.c.window, bytes)
	}
}

func (p *course) wantCycle(why string, want phase, rounds int) {
	p.Helper()
	if p.c.phase != want || p.c.rounds != rounds {
		p.Fatalf("%s: %d round trips of phase %d, want %d of %d", why, p.c.rounds, p.c.phase, rounds, want)
	}
}

func (p *course) wantStartup(why string, want bool) {
	p.Helper()
	if p.c.startup != want {
		p.Fatalf("%s: the start-up goes on: %v, want %v", why, p.c.startup, want)
	}
}
