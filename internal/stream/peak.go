package stream

import "time"

const (
	// rateLife is the least time for which a delivery rate is believed, and
	// rateRounds the least number of round trips (BBR: ten).
	rateLife   = time.Second
	rateRounds = 10
)

// peak is the largest delivery rate of the last one to two periods.
type peak struct {
	current, previous float64
	start             time.Time
}

// update takes a measurement, given the smallest round-trip time.
func (p *peak) update(now time.Time, rate float64, base time.Duration) {
	if now.Sub(p.start) > max(rateLife, rateRounds*base) {
		p.previous, p.current, p.start = p.current, 0, now
	}
	p.current = max(p.current, rate)
}

func (p *peak) best() float64 { return max(p.current, p.previous) }
