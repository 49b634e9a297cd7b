package stream

import "time"

// fitPacket makes packets of the size that the path wants, if that is larger.
func (s *Stream) fitPacket() {
	c := &s.congestion
	if rate := c.rate.best(); rate > 0 {
		if wanted := s.size.wanted(rate, s.leastPacket()); s.size.grows(wanted) {
			s.size.fit = min(wanted, s.size.limit)
		}
	}
	c.packet = s.size.packet() + s.config.Overhead
	ruled := s.pace.rate * float64(c.packet) * 2 * c.base.value().Seconds()
	c.window = max(c.window, c.minimum(), int(min(ruled, float64(s.grant()))))
}

// leastPacket is the size of packets that fill the path with the messages granted.
func (s *Stream) leastPacket() int { return s.congestion.reach() / int(s.messages) }

// tryPackets makes packets smaller if the path wants that, and larger ones once in a while,
// on trial. It is called after a round trip that tells what the path can do, and had this
// rate.
func (s *Stream) tryPackets(now time.Time, rate float64) {
	c, t, size := &s.congestion, &s.trial, &s.size
	switch {
	case size.large():
	case !t.on():
		t.onUsual(now, rate)
		s.beginTrial(now)
	case size.fit > t.former && c.waits() && !t.costly(now):
		size.fit = t.onRound(now, 0, size.fit, size.limit) // what others had is no gain
	default:
		size.fit = t.onRound(now, rate, size.fit, size.limit)
	}
}

// beginTrial begins a trial, if it is time for one. Larger packets are tried when the path has
// room, or when smaller ones have cost too much.
func (s *Stream) beginTrial(now time.Time) {
	c, t, size := &s.congestion, &s.trial, &s.size
	wanted := size.wanted(c.rate.best(), s.leastPacket())
	switch {
	case size.shrinks(wanted) && !t.costly(now):
		size.fit = t.begin(size.fit, wanted)
	case size.fit < size.limit && !now.Before(t.larger) && (t.costly(now) || !c.waits()):
		size.fit = t.begin(size.fit, min(2*size.fit, size.limit))
		c.probe()
	}
}
