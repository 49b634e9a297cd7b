package conn

import (
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestSettledConnDoesNotResume: both ends have everything, and nobody has closed.
// After a reconnect there is nothing to ask a peer that may be gone for long, and
// does not answer.
func TestSettledConnDoesNotResume(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		exchange(t, a, b)
		a.CloseWrite()
		b.CloseWrite()
		simtest.Wait()
		time.Sleep(time.Second)
		before := a.packets()
		a.set(nothing)
		a.down(0)
		a.up(0, maxPacket)
		a.Resume(time.Now())
		time.Sleep(10 * time.Minute)
		if n := a.packets() - before; n != 0 {
			t.Errorf("%d packets in ten minutes", n)
		}
	})
}

// TestResumeGoesOn where a path was down, with what was written meanwhile.
func TestResumeGoesOn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		exchange(t, a, b)
		for _, e := range []*end{a, b} {
			e.set(nothing)
			e.down(0)
		}
		if a.Waiting() {
			t.Error("everything was acknowledged, but data waits")
		}
		a.write(t, "meanwhile")
		if !a.Waiting() {
			t.Error("what was written does not wait")
		}
		before := a.packets()
		time.Sleep(30 * time.Second)
		if n := a.packets() - before; n != 0 {
			t.Errorf("%d packets without a path", n)
		}
		if since := a.SilentSince(); !since.Equal(time.Now().Add(-30 * time.Second)) {
			t.Errorf("silent since %v", since)
		}
		for _, e := range []*end{a, b} {
			e.set(nil)
			e.up(0, maxPacket)
			e.Resume(time.Now())
		}
		took(t, 0, func() { b.read(t, "meanwhile") })
		exchange(t, b, a)
		time.Sleep(time.Second) // for an ACK that is held back
		if since := a.SilentSince(); a.Waiting() || !since.IsZero() {
			t.Errorf("everything was acknowledged, but silent since %v", since)
		}
	})
}
