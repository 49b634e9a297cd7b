package engine

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestSilentSince asks an end whether its path works: while it does, while the
// broker carries nothing, and while its own link is down.
func TestSilentSince(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		silent := func(want time.Duration) {
			t.Helper()
			since := dialed.SilentSince()
			if since.IsZero() && want != 0 || !since.IsZero() && time.Since(since) != want {
				t.Errorf("silent since %v at %v, want %v", since, time.Now(), want)
			}
		}
		w.exchange(dialed, accepted)
		time.Sleep(time.Second) // the last acknowledgement has arrived
		silent(0)

		w.set(refuse)
		time.Sleep(4 * time.Second)
		silent(0) // nobody asked anything
		dialed.Write([]byte("hello?"))
		time.Sleep(7 * time.Second)
		silent(7 * time.Second)
		w.set(nil)
		time.Sleep(7 * time.Second) // the probes have become rare
		silent(0)

		w.cut(dialed.engine)
		simtest.Wait()
		time.Sleep(8 * time.Second)
		silent(8 * time.Second)
		w.mend(dialed.engine)
		time.Sleep(10 * time.Second)
		silent(0)

		dialed.Close()
		accepted.Close()
		time.Sleep(time.Second)
		w.set(refuse)
		time.Sleep(time.Minute)
		silent(0) // it is over
	})
}
