package engine

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// TestAMessageIsAnsweredOnce replays one of each kind: only a CHECK, which is
// repeated until somebody answers, may be answered again.
func TestAMessageIsAnsweredOnce(t *testing.T) {
	l, r, start := newLimits(), newRates(1), time.Unix(1e9, 0)
	for kind, test := range map[string]struct {
		answered func(now time.Time) bool
		again    bool
	}{
		"HELLO": {func(now time.Time) bool { return l.time(new(uplink), handshake.Hello{Noise: []byte{1}}, r.times, now) }, false},
		"PROBE": {func(now time.Time) bool { return l.pong(new(uplink), handshake.Probe{Nonce: [8]byte{1}}, r.pongs, now) }, false},
		"CHECK": {func(now time.Time) bool { return l.check(new(uplink), handshake.Check{Nonce: [8]byte{1}}, r.gone, now) }, true},
	} {
		for _, step := range []struct {
			at   time.Duration
			want bool
		}{{0, true}, {checkPause - 1, false}, {2*checkPause + 1, test.again}, {3 * checkPause, false}} {
			if got := test.answered(start.Add(step.at)); got != step.want {
				t.Errorf("%s after %v: %v", kind, step.at, got)
			}
		}
	}
	if !l.time(new(uplink), handshake.Hello{Noise: []byte{2}}, r.times, start) {
		t.Error("another HELLO was not answered")
	}
}
