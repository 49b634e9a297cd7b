package engine

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// fadeOut leaves dialed with a FIN that is not acknowledged, and accepted as in
// TIME-WAIT: the ACK of the FIN is lost, and everything later arrives.
func fadeOut(w *world) (dialed, accepted *Conn) {
	dialed, accepted = w.pair()
	w.exchange(dialed, accepted)
	time.Sleep(time.Second)
	w.set(func(m message) ([]byte, bool) { return m.payload, m.isTo(accepted.engine.uplinks[0].topic) })
	dialed.CloseWrite()
	simtest.Wait()
	w.set(nil)
	accepted.Close()
	simtest.Wait()
	return dialed, accepted
}

func TestTimeWaitAcknowledgesARepeatedFin(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := fadeOut(w)
		if n := entries(accepted.engine); n["in TIME-WAIT"] != 1 || acknowledged(dialed) {
			t.Fatalf("the scene is not set: %v", n)
		}
		start := time.Now()
		if err := dialed.WaitAcknowledged(context.Background()); err != nil || time.Since(start) != 100*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if got, err := io.ReadAll(readerOf{dialed}); len(got) != 0 || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		dialed.Close()
		time.Sleep(timeWaitLife - time.Since(start) - time.Nanosecond)
		simtest.Wait()
		if n := entries(accepted.engine); n["in TIME-WAIT"] != 1 {
			t.Errorf("before 10 s have passed the Engine has %v", n)
		}
		time.Sleep(time.Nanosecond)
		simtest.Wait()
		if n := entries(accepted.engine); len(n) != 1 || n["Listeners"] != 1 {
			t.Errorf("after 10 s the Engine has %v", n)
		}
	})
}

// TestFinAfterTimeWait repeats it to a process that has forgotten the Conn,
// and says so.
func TestFinAfterTimeWait(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, _ := fadeOut(w)
		w.set(refuse)
		time.Sleep(timeWaitLife)
		w.set(nil)
		start := time.Now()
		err := dialed.WaitAcknowledged(context.Background())
		if passed := time.Since(start); !errors.Is(err, ErrPeerGone) || passed > checkAfter {
			t.Errorf("after %v: %v", passed, err)
		}
		if got, err := io.ReadAll(readerOf{dialed}); len(got) != 0 || err != nil {
			t.Errorf("the end of the stream had arrived, but: %q, %v", got, err)
		}
	})
}

// TestTimeWaitIsBounded makes more of them than there may be, by Conns that
// are reset.
func TestTimeWaitIsBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		e := w.engine()
		w.listen(e).Close()
		now := time.Now()
		const extra = 200
		for i := range maxTimeWait + extra {
			c := e.enter(agreed{id: [8]byte{byte(i >> 8), byte(i)}, origin: origin{dialer: true}, links: 1, maxMessageSize: e.config.MaxMessageSize}, now)
			c.Refuse()
		}
		simtest.Wait()
		if n := entries(e); n["in TIME-WAIT"] != maxTimeWait || n["Conns"] != maxTimeWait {
			t.Errorf("the Engine has %v", n)
		}
		for i := range extra {
			if e.conn([8]byte{byte(i >> 8), byte(i)}) != nil {
				t.Errorf("number %d, one of the oldest, is still there", i)
			}
		}
		time.Sleep(timeWaitLife)
		simtest.Wait()
		checkEmpty(t, e)
	})
}

// acknowledged reports whether the peer has everything that a Conn sent.
func acknowledged(c *Conn) bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return c.WaitAcknowledged(ctx) == nil
}
