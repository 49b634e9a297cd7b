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
		time.Sleep(tombstoneLife - time.Since(start) - 1)
		simtest.Wait()
		if n := entries(accepted.engine); n["tombstones"] != 1 {
			t.Errorf("before 10 s have passed the Engine has %v", n)
		}
		time.Sleep(1)
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

// TestTombstonesAreBounded closes more Conns at both ends than there may be.
func TestTombstonesAreBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client, server := w.engine(), w.engine()
		l := w.listen(server)
		const conns = maxTombstones + 200
		dialed, accepted := w.connectMany(client, l, conns)
		for i := range dialed {
			dialed[i].Close()
			accepted[i].Close()
			if i%100 == 0 {
				simtest.Wait() // or the broker's queues overflow
			}
		}
		simtest.Wait()
		for _, e := range []*Engine{client, server} {
			if n := entries(e); n["tombstones"] != maxTombstones || n["Conns"] != maxTombstones {
				t.Errorf("%v", n)
			}
			if n := e.conn(dialed[0].id); n != nil {
				t.Error("the oldest is still there")
			}
		}
		time.Sleep(tombstoneLife)
		simtest.Wait()
		l.Close()
		checkEmpty(t, client)
		checkEmpty(t, server)
	})
}
