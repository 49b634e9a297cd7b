package ui

import (
	"context"
	"fmt"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

const (
	// outageAfter is when a person who types into silence begins to wonder, and
	// longer than a reconnect takes.
	outageAfter = 5 * time.Second
	// outageInterval is how often the path is looked at.
	outageInterval = time.Second
)

// WatchOutages tells, once each, that the path to the other side is gone and
// that it is back, until the context ends. stats returns those of the Conn. An
// outage counts from when the other side was last heard, which is before the
// first question that it did not answer.
func WatchOutages(ctx context.Context, stats func() mqtte2e.Stats, tell func(text string)) {
	ticker := time.NewTicker(outageInterval)
	defer ticker.Stop()
	received, lastHeard, gone := stats().PacketsReceived, time.Now(), false
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		s, now := stats(), time.Now()
		silence := max(now.Sub(lastHeard), s.Silent).Round(time.Second)
		heard := s.PacketsReceived != received
		if heard {
			received, lastHeard = s.PacketsReceived, now
		}
		switch {
		case gone && (heard || s.Silent == 0):
			tell(fmt.Sprintf("the other side answers again, after %v", silence))
			gone = false
		case !gone && s.Silent > outageAfter:
			tell(fmt.Sprintf("nothing was heard of the other side for %v; waiting for it, nothing is lost", silence))
			gone = true
		}
	}
}
