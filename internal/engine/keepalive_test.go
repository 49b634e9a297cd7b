package engine

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestKeepAliveOfADial has an idle Conn that somebody watches: it asks
// each 10 s, its peer need not, and an outage shows although nothing is written.
func TestKeepAliveOfADial(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialer := w.engine()
		w.listen(w.engine())
		const keepAlive = 10 * time.Second
		ctx, cancel := contextFor(time.Minute)
		defer cancel()
		dialed, err := dialer.Dial(WithKeepAlive(ctx, keepAlive), testName, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the handshake has ended
		start := time.Now()
		w.record()
		time.Sleep(time.Minute)
		if log := w.recorded(); len(log) != 12 {
			t.Errorf("%d packets in a minute, at %v, want six questions and their answers", len(log), w.packetTimes(log, start))
		}
		if since := dialed.SilentSince(); !since.IsZero() {
			t.Errorf("silent since %v on a path that works", since)
		}

		w.set(refuse)
		start = time.Now()
		time.Sleep(keepAlive + time.Second)
		if since := dialed.SilentSince(); since.Before(start) || since.Sub(start) > keepAlive {
			t.Errorf("silent since %v after the path went", since.Sub(start))
		}
		w.set(nil)
		time.Sleep(30 * time.Second) // the probes have become rare
		if since := dialed.SilentSince(); !since.IsZero() {
			t.Errorf("silent since %v on a path that works again", since)
		}
	})
}
