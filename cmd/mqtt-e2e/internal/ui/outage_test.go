package ui

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestWatchOutages has a path that is silent at times, and is found so only
// when something goes unanswered.
func TestWatchOutages(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		start := time.Now()
		seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
		outages := []struct{ begin, asked, end time.Duration }{
			{seconds(9.5), seconds(10), seconds(14.5)}, // too short
			{seconds(20.5), seconds(30.5), seconds(45.5)},
			{seconds(59.5), seconds(59.9), 10 * time.Hour},
		}
		stats := func() mqtte2e.Stats {
			now := time.Since(start)
			s := mqtte2e.Stats{PacketsReceived: uint64(now)}
			for _, o := range outages {
				if o.begin <= now && now < o.end {
					s.PacketsReceived = uint64(o.begin)
					s.Silent = max(now-o.asked, 0)
				}
			}
			return s
		}
		type line struct {
			at   time.Duration
			text string
		}
		var told []line
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		WatchOutages(ctx, stats, func(text string) { told = append(told, line{time.Since(start), text}) })
		want := []line{
			{36 * time.Second, "nothing was heard of the other side for 15s; waiting for it, nothing is lost"},
			{46 * time.Second, "the other side answers again, after 25s"},
			{65 * time.Second, "nothing was heard of the other side for 5s; waiting for it, nothing is lost"},
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
