package engine

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestTimerRestsWhileTheWriterCannotWrite is about an ACK that is due while
// the link is down: a timer set to when it was due would fire without end, and
// virtual time would stand still.
func TestTimerRestsWhileTheWriterCannotWrite(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		time.Sleep(time.Second)
		dialed.Write([]byte("not acknowledged yet"))
		time.Sleep(time.Millisecond)
		w.broker.Stop()
		time.Sleep(10 * time.Second)
		w.broker.Start()
	})
}
