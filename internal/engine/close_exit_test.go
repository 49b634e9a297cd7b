package engine

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestCloseThenExit dials, writes more than the first window, closes, and is
// gone. The peer has everything, and its end.
func TestCloseThenExit(t *testing.T) {
	for _, delay := range []time.Duration{0, 5 * time.Millisecond, 30 * time.Millisecond} {
		for _, size := range []int{64 << 10, 200_000, 1 << 20} {
			t.Run(fmt.Sprint(delay, " ", size), func(t *testing.T) {
				simtest.Run(t, func(t *testing.T) { closeThenExit(t, delay, size) })
			})
		}
	}
}

func closeThenExit(t *testing.T, delay time.Duration, size int) {
	w := newWorld(t)
	slow := func(c *Config) { c.Link.DialContext = delayed(w, delay) }
	dialed, accepted := w.pair(slow)
	go func() {
		dialed.Write(make([]byte, size))
		start := time.Now()
		dialed.Close()
		if passed := time.Since(start); passed >= flushWait {
			t.Errorf("Close took %v", passed)
		}
		w.cut(dialed.engine)
	}()
	if got, err := io.ReadAll(readerOf{accepted}); len(got) != size || err != nil {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// TestEndIsNotLost has everything acknowledged before Close, and only the end
// to deliver before the exit.
func TestEndIsNotLost(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.connect(w.engine(func(c *Config) { c.Link.DialContext = delayed(w, 30*time.Millisecond) }), w.listen(w.engine()))
		w.exchange(dialed, accepted)
		time.Sleep(100 * time.Millisecond)
		if dialed.Waiting() {
			t.Error("the scene is not set")
		}
		start := time.Now()
		dialed.Close()
		if passed := time.Since(start); passed == 0 || passed >= stallWait {
			t.Errorf("Close took %v", passed)
		}
		w.cut(dialed.engine)
		if got, err := io.ReadAll(readerOf{accepted}); len(got) != 0 || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// ackDelay is the longest that an ACK takes without a path (SPEC.md, "Stream").
const ackDelay = 25 * time.Millisecond

// TestCloseWaitsWhileSomethingMoves has a peer that reads a little from time to
// time, for ever or not.
func TestCloseWaitsWhileSomethingMoves(t *testing.T) {
	for _, test := range []struct {
		reads int
		want  time.Duration
	}{{1000, flushWait}, {2, 400*time.Millisecond + stallWait}, {0, 0}} {
		simtest.Run(t, func(t *testing.T) {
			w := newWorld(t)
			dialed, accepted := w.pair()
			dialed.SetWriteDeadline(time.Now().Add(time.Second))
			dialed.Write(make([]byte, 1<<20))
			var reading sync.WaitGroup
			reading.Go(func() {
				for range test.reads {
					if _, err := io.ReadFull(readerOf{accepted}, make([]byte, 20<<10)); err != nil {
						return
					}
					time.Sleep(400 * time.Millisecond)
				}
			})
			simtest.Wait()
			start := time.Now()
			dialed.Close()
			if passed := time.Since(start); passed < test.want || passed > test.want+ackDelay {
				t.Errorf("Close took %v with %d reads, want %v", passed, test.reads, test.want)
			}
			accepted.Abort()
			reading.Wait()
		})
	}
}
