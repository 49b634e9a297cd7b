package ui

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestWatchOutages has a path that is silent at times.
func TestWatchOutages(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		start := time.Now()
		outages := []struct{ begin, end time.Duration }{
			{10 * time.Second, 14500 * time.Millisecond}, // too short
			{20 * time.Second, 31500 * time.Millisecond},
			{59900 * time.Millisecond, 10 * time.Hour},
		}
		silent := func() time.Duration {
			now := time.Since(start)
			for _, o := range outages {
				if o.begin <= now && now < o.end {
					return now - o.begin
				}
			}
			return 0
		}
		type line struct {
			at   time.Duration
			text string
		}
		var told []line
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		WatchOutages(ctx, silent, func(text string) { told = append(told, line{time.Since(start), text}) })
		want := []line{
			{26 * time.Second, "no answer from the other side for 6s; waiting for it, nothing is lost"},
			{32 * time.Second, "the other side answers again, after 11s"},
			{65 * time.Second, "no answer from the other side for 5s; waiting for it, nothing is lost"},
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
