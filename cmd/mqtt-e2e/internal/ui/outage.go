package ui

import (
	"context"
	"fmt"
	"time"
)

const (
	// outageAfter is when a person who types into silence begins to wonder, and
	// longer than a reconnect takes.
	outageAfter = 5 * time.Second
	// outageInterval is how often the path is looked at.
	outageInterval = time.Second
)

// WatchOutages tells, once each, that the path to the other side is gone and
// that it is back, until the context ends. silent returns for how long the other
// side has not answered; 0: it has.
func WatchOutages(ctx context.Context, silent func() time.Duration, tell func(text string)) {
	ticker := time.NewTicker(outageInterval)
	defer ticker.Stop()
	var gone time.Duration // 0: nothing was told
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := silent()
		switch {
		case gone > 0 && now == 0:
			tell(fmt.Sprintf("the other side answers again, after %v", gone.Round(time.Second)))
			gone = 0
		case gone > 0:
			gone = max(gone, now)
		case now > outageAfter:
			tell(fmt.Sprintf("no answer from the other side for %v; waiting for it, nothing is lost", now.Round(time.Second)))
			gone = now
		}
	}
}
