package stream

import "time"

// gateBurst is how much may go at once, as time: timers are late.
const gateBurst = 10 * time.Millisecond

// A gate lets packets go one by one, each some time after the one before it.
type gate struct {
	next time.Time // when the next packet may go
	held bool      // one waits for that
}

// admits reports whether a packet may go now. If not, deadline tells when.
func (g *gate) admits(now time.Time) bool {
	g.held = now.Before(g.next)
	return !g.held
}

// passed takes note of a packet, and how long after it the next one may go.
func (g *gate) passed(now time.Time, interval time.Duration) {
	if earliest := now.Add(-gateBurst); g.next.Before(earliest) {
		g.next = earliest
	}
	g.next = Earlier(g.next, now).Add(interval)
}

// deadline is when the packet that waits may go; zero: none waits.
func (g *gate) deadline() time.Time {
	if !g.held {
		return time.Time{}
	}
	return g.next
}

// expire lets it go.
func (g *gate) expire(now time.Time) { g.held = g.held && now.Before(g.next) }

// keepPace takes note of a packet that is about to be in flight.
func (s *Stream) keepPace(now time.Time, p *sentPacket) {
	if s.sent.count == 0 {
		s.pace.begin(now)
	}
	if p.length > 0 {
		s.gate.passed(now, s.interval(p.size))
	}
}

// interval is the time from a packet of so many bytes to the next: what a limit by rule asks
// for, else the rate of the path. Where packets are lost at any pace, that says little.
func (s *Stream) interval(size int) time.Duration {
	if s.pace.rate > 0 || s.pace.lossy() {
		return s.pace.interval()
	}
	return s.congestion.interval(size)
}
