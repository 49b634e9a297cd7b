package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestHowLongCloseWaits closes a Conn whose peer does not answer in time, or
// not at all.
func TestHowLongCloseWaits(t *testing.T) {
	for name, test := range map[string]struct {
		before func(w *world, c *Conn)
		want   time.Duration
	}{
		"nothing was written": {func(w *world, c *Conn) { w.set(refuse) }, 0},
		"everything is acknowledged": {func(w *world, c *Conn) {
			c.Write([]byte("heard"))
			time.Sleep(time.Second)
			w.set(refuse)
		}, 0},
		"an ACK is on its way": {func(w *world, c *Conn) { c.Write([]byte("heard")) }, 0},
		"the ACK comes late": {func(w *world, c *Conn) {
			w.set(refuse)
			c.Write([]byte("heard later"))
			time.AfterFunc(250*time.Millisecond, func() { w.set(nil) })
		}, 300 * time.Millisecond},
		"no answer": {func(w *world, c *Conn) {
			w.set(refuse)
			c.Write([]byte("not heard"))
		}, 500 * time.Millisecond},
		"no answer for a second": {func(w *world, c *Conn) {
			w.set(refuse)
			c.Write([]byte("not heard"))
			time.Sleep(time.Second)
		}, 0},
		"the peer does not read": {func(w *world, c *Conn) {
			c.SetWriteDeadline(time.Now().Add(time.Minute))
			if _, err := c.Write(make([]byte, 1<<20)); err == nil {
				t.Error("wrote 1 MiB to a peer that does not read")
			}
		}, 0},
		"the broker is gone": {func(w *world, c *Conn) {
			w.broker.Stop()
			simtest.Wait()
			c.Write([]byte("not sent"))
		}, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				dialed, accepted := w.pair()
				w.exchange(dialed, accepted)
				time.Sleep(time.Second)
				test.before(w, dialed)
				start := time.Now()
				if err := dialed.Close(); err != nil {
					t.Error(err)
				}
				if passed := time.Since(start); passed != test.want {
					t.Errorf("Close took %v, want %v", passed, test.want)
				}
				if err := dialed.Close(); err != nil || time.Since(start) != test.want {
					t.Errorf("the second Close took longer, or returned %v", err)
				}
				if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Read after Close: %v", err)
				}
				if _, err := dialed.Write(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Write after Close: %v", err)
				}
			})
		})
	}
}

// TestWhatWasWrittenLingers closes during an outage. The peer gets everything
// once the broker is back.
func TestWhatWasWrittenLingers(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		w.broker.Stop()
		simtest.Wait()
		dialed.Write(make([]byte, 60<<10))
		dialed.SetWriteDeadline(time.Now()) // as crypto/tls does before Close
		dialed.Close()
		time.Sleep(20 * time.Second)
		w.broker.Start()
		got, err := io.ReadAll(readerOf{accepted})
		if len(got) != 60<<10 || err != nil {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		accepted.Close()
		time.Sleep(afterTimeWait)
		simtest.Wait()
		for _, c := range []*Conn{dialed, accepted} {
			if n := entries(c.engine); len(n) > 1 || n["Listeners"] != len(n) {
				t.Errorf("the Engine still has %v", n)
			}
		}
	})
}

// TestLingerEndsWithAReset writes more than a peer that does not read takes.
func TestLingerEndsWithAReset(t *testing.T) {
	for _, test := range []struct{ peerTimeout, want time.Duration }{{0, 30 * time.Second}, {2 * time.Minute, 30 * time.Second}, {20 * time.Second, 20 * time.Second}} {
		simtest.Run(t, func(t *testing.T) {
			w := newWorld(t)
			dialed, accepted := w.connect(w.engine(timeout(test.peerTimeout)), w.listen(w.engine()))
			dialed.SetWriteDeadline(time.Now().Add(time.Second))
			dialed.Write(make([]byte, 1<<20))
			start := time.Now()
			dialed.Close()
			time.Sleep(test.want - time.Nanosecond)
			simtest.Wait()
			if n := entries(dialed.engine); n["Conns"] != 1 || n["in TIME-WAIT"] != 0 {
				t.Errorf("before the linger ends the Engine has %v", n)
			}
			time.Sleep(time.Nanosecond)
			simtest.Wait()
			got, err := io.ReadAll(readerOf{accepted})
			if passed := time.Since(start); passed != test.want || !errors.Is(err, syscall.ECONNRESET) || len(got) < 64<<10 {
				t.Errorf("after %v the peer read %d bytes, then %v", passed, len(got), err)
			}
			time.Sleep(timeWaitLife - time.Nanosecond)
			simtest.Wait()
			if n := entries(dialed.engine); n["Conns"] != 1 || n["in TIME-WAIT"] != 1 || len(n) != 3 {
				t.Errorf("before the TIME-WAIT is removed the Engine has %v", n)
			}
			time.Sleep(time.Nanosecond)
			simtest.Wait()
			checkEmpty(t, dialed.engine)
		})
	}
}

// TestEndOfAFailedConn comes with its Close: until then what had arrived can be
// read, so its Endpoint has to stay.
func TestEndOfAFailedConn(t *testing.T) {
	for name, fail := range map[string]func(w *world, dialed *Conn){
		"reset": func(_ *world, dialed *Conn) { dialed.Abort() },
		"gone":  func(w *world, _ *Conn) { w.broker.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				dialed, accepted := w.pair()
				dialed.Write([]byte("last words"))
				simtest.Wait()
				fail(w, dialed)
				start := time.Now()
				accepted.WaitDone(start.Add(10 * time.Minute))
				if time.Since(start) != 10*time.Minute {
					t.Error("the Conn ended before its Close")
				}
				got, err := io.ReadAll(readerOf{accepted})
				if string(got) != "last words" || !errors.Is(err, ErrPeerGone) && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("read %q, %v", got, err)
				}
				accepted.Close()
				start = time.Now()
				if accepted.WaitDone(start.Add(time.Minute)); time.Since(start) != 0 {
					t.Error("Close was not the end")
				}
			})
		})
	}
}

// TestShutdownDelivers returns once the peer has everything, and ends with its
// context otherwise.
func TestShutdownDelivers(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.set(refuse)
		dialed.Write([]byte("hello"))
		time.AfterFunc(5*time.Second, func() { w.set(nil) })
		if err := dialed.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(readerOf{accepted}); string(got) != "hello" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		simtest.Wait()
		if _, err := accepted.Write([]byte("late")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Write to a closed peer: %v", err)
		}
		if err := accepted.Shutdown(context.Background()); err != nil {
			t.Errorf("nothing was written, but Shutdown failed: %v", err)
		}
	})
}
