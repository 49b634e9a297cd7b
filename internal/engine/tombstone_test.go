package engine

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// fadeOut leaves dialed with a FIN that is not acknowledged, and accepted as a
// tombstone: the ACK of the FIN is lost, and everything later arrives.
func fadeOut(w *world) (dialed, accepted *Conn) {
	dialed, accepted = w.pair()
	w.exchange(dialed, accepted)
	time.Sleep(time.Second)
	w.set(func(m message) ([]byte, bool) { return m.payload, m.isTo(accepted.engine.topic) })
	dialed.CloseWrite()
	simtest.Wait()
	w.set(nil)
	accepted.Close()
	simtest.Wait()
	return dialed, accepted
}

func TestTombstoneAcknowledgesARepeatedFin(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := fadeOut(w)
		if n := entries(accepted.engine); n["tombstones"] != 1 || dialed.stream.Acknowledged() {
			t.Fatalf("the scene is not set: %v", n)
		}
		start := time.Now()
		if err := dialed.waitAcknowledged(context.Background()); err != nil || time.Since(start) != 100*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if got, err := io.ReadAll(readerOf{dialed}); len(got) != 0 || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		dialed.Close()
		time.Sleep(tombstoneLife - time.Since(start) - time.Nanosecond)
		simtest.Wait()
		if n := entries(accepted.engine); n["tombstones"] != 1 {
			t.Errorf("before 10 s have passed the Engine has %v", n)
		}
		time.Sleep(time.Nanosecond)
		simtest.Wait()
		if n := entries(accepted.engine); len(n) != 1 || n["Listeners"] != 1 {
			t.Errorf("after 10 s the Engine has %v", n)
		}
	})
}

// TestFinAfterTheTombstone repeats it to a process that has forgotten the Conn,
// and says so.
func TestFinAfterTheTombstone(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, _ := fadeOut(w)
		w.set(refuse)
		time.Sleep(tombstoneLife)
		w.set(nil)
		start := time.Now()
		err := dialed.waitAcknowledged(context.Background())
		if passed := time.Since(start); !errors.Is(err, ErrPeerGone) || passed > checkAfter {
			t.Errorf("after %v: %v", passed, err)
		}
		if got, err := io.ReadAll(readerOf{dialed}); len(got) != 0 || err != nil {
			t.Errorf("the end of the stream had arrived, but: %q, %v", got, err)
		}
	})
}

// TestTombstonesAreBounded makes more of them than there may be, by Conns that
// are reset.
func TestTombstonesAreBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		e := w.engine()
		w.listen(e).Close()
		now := time.Now()
		const extra = 200
		for i := range maxTombstones + extra {
			c := e.newConn([8]byte{byte(i >> 8), byte(i)}, origin{dialer: true}, [32]byte{}, [32]byte{}, e.config.MaxMessageSize, now)
			e.enter(c, now)
			c.refuse()
		}
		simtest.Wait()
		if n := entries(e); n["tombstones"] != maxTombstones || n["Conns"] != maxTombstones {
			t.Errorf("the Engine has %v", n)
		}
		for i := range extra {
			if e.conn([8]byte{byte(i >> 8), byte(i)}) != nil {
				t.Errorf("tombstone %d, one of the oldest, is still there", i)
			}
		}
		time.Sleep(tombstoneLife)
		simtest.Wait()
		checkEmpty(t, e)
	})
}
