package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// packetTimes returns when the packets among the messages were sent, relative to
// start, each time once.
func (w *world) packetTimes(log []message, start time.Time) (at []time.Duration) {
	for _, m := range log {
		passed := m.at.Sub(start)
		if w.envelope(m) == nil && (len(at) == 0 || at[len(at)-1] != passed) {
			at = append(at, passed)
		}
	}
	return at
}

// TestLostDataIsRepeatedAtDoublingIntervals begins with the least probe timeout,
// 100 ms, as a round trip takes no time here, and ends with the longest, 5 s.
func TestLostDataIsRepeatedAtDoublingIntervals(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		time.Sleep(time.Second)
		w.record()
		w.set(refuse)
		start := time.Now()
		dialed.Write([]byte("lost"))
		time.Sleep(20 * time.Second)
		want := seconds(0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3, 16.3)
		if at := w.packetTimes(w.recorded(), start); !slices.Equal(at, want) {
			t.Errorf("packets at %v, want %v", at, want)
		}
		w.set(nil)
		got := make([]byte, 4)
		n, err := accepted.Read(got)
		if passed := time.Since(start); string(got[:n]) != "lost" || passed != 21300*time.Millisecond {
			t.Errorf("after %v: %q, %v", passed, got[:n], err)
		}
	})
}
