package engine

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// times returns when the packets among the messages were sent, relative to
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
		t.Log(w.packetTimes(w.recorded(), start))
	})
}
