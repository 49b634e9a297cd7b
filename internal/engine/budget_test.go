package engine

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestMemoryWhilePeersDoNotRead writes to many Conns that nobody reads from,
// both ways. What all buffers hold stays within the budgets, and all of it is
// given back.
func TestMemoryWhilePeersDoNotRead(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		const base = 64 << 10
		conns := scaled(100)
		w := newWorld(t)
		client, server := w.engine(), w.engine()
		l := w.listen(server)
		dialed, accepted := w.connectMany(client, l, conns)
		before := memory()
		var writers sync.WaitGroup
		for _, c := range append(dialed, accepted...) {
			c.SetWriteDeadline(time.Now().Add(10 * time.Second))
			writers.Go(func() {
				block := make([]byte, 16<<10)
				for {
					if _, err := c.Write(block); err != nil {
						if !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		writers.Wait()
		held := memory() - before
		// Each end of a Conn has two buffers, each Engine two budgets.
		if most := 2*2*bufferBudget + 2*conns*2*base + 32<<20; held > most || held < 2*conns*base {
			t.Errorf("%d bytes are held, want at most %d", held, most)
		}
		t.Logf("%d Conns hold %d MiB; %v, %v", conns, held>>20, entries(client), entries(server))
		for i := range dialed {
			dialed[i].Close()
			accepted[i].Close()
		}
		l.Close()
		time.Sleep(maxLinger + timeWaitLife + 5*time.Second)
		simtest.Wait()
		checkEmpty(t, client)
		checkEmpty(t, server)
	})
}

// TestOneReaderAmongMany has a Conn that is read while others are not, and have
// spent the budget: it still moves.
func TestOneReaderAmongMany(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client, server := w.engine(), w.engine()
		l := w.listen(server)
		dialed, accepted := w.connectMany(client, l, 100)
		for _, c := range dialed[1:] {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			go c.Write(make([]byte, 8<<20))
		}
		time.Sleep(2 * time.Second)
		start := time.Now()
		sendAndCompare(t, dialed[0], accepted[0], 4<<20)
		if passed := time.Since(start); passed > time.Second {
			t.Errorf("4 MiB took %v on a path without delay", passed)
		}
	})
}
