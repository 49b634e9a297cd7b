package life

import "time"

const (
	// minSlept is the least that counts as sleep, and not as a clock that is being
	// corrected.
	minSlept = 5 * time.Second
	// clockSample is how often the clocks are compared while packets come.
	clockSample = time.Second
)

// A Clock compares the time of day with the monotonic clock, which stands still,
// in Go, while the machine sleeps.
type Clock struct {
	wall          func() time.Time
	start, atWall time.Time
}

// NewClock returns a Clock that reads the time of day from wall.
func NewClock(wall func() time.Time, now time.Time) *Clock {
	return &Clock{wall: wall, start: now, atWall: wall().Round(0)}
}

// ahead is how far the time of day has run ahead of the monotonic clock.
func (c *Clock) ahead(now time.Time) time.Duration {
	return c.wall().Round(0).Sub(c.atWall) - now.Sub(c.start)
}
