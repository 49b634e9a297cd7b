package engine

import (
	"context"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestRoundTripOfTwentySeconds dials over a path on which a hello is as old as the
// window when it arrives, also where the clocks differ.
func TestRoundTripOfTwentySeconds(t *testing.T) {
	for name, off := range map[string]time.Duration{"clocks agree": 0, "dialer ahead": 8 * time.Second} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				var ours clock
				ours.set(off)
				slow := func(c *Config) { c.Link.DialContext = delayed(w, 4900*time.Millisecond) }
				l := w.listen(w.engine(slow))
				far := w.engine(ours.wall, slow)
				ctx, cancel := contextFor(2 * time.Minute)
				defer cancel()
				if err := far.start(ctx); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				dialed, err := far.Dial(context.Background(), testName, nil)
				if err != nil {
					t.Fatalf("after %v: %v", time.Since(start), err)
				}
				accepted, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				w.exchange(dialed, accepted)
				time.Sleep(5 * time.Minute)
				w.exchange(accepted, dialed)
			})
		})
	}
}
