package handshake

import (
	"testing"
	"time"
)

func TestRecentAllowsAgainAfterThePause(t *testing.T) {
	r, now := NewRecent(time.Second), time.Unix(1e9, 0)
	for _, step := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {time.Second - 1, false}, {time.Second, true}, {2*time.Second - 1, false}} {
		if known := r.Known(digestOf(1), now.Add(step.at)); known == step.want {
			t.Errorf("after %v: known is %v", step.at, known)
		}
		if got := r.Allow(digestOf(1), now.Add(step.at)); got != step.want {
			t.Errorf("after %v: %v", step.at, got)
		}
	}
	if !r.Allow(digestOf(2), now) {
		t.Error("another message was not allowed")
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r, now := NewRecent(0), time.Unix(1e9, 0)
	for n := range recentCapacity {
		if !r.Allow(digestOf(n), now) || r.Allow(digestOf(n), now.Add(time.Hour)) {
			t.Fatalf("message %d was not allowed exactly once", n)
		}
	}
	r.Allow(digestOf(recentCapacity), now)
	if len(r.times) != recentCapacity || len(r.order) != recentCapacity {
		t.Errorf("%d and %d messages are remembered", len(r.times), len(r.order))
	}
	if r.Allow(digestOf(1), now) || !r.Allow(digestOf(0), now) {
		t.Error("not the oldest message was forgotten")
	}
}
