package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// messageSize returns a change of MaxMessageSize.
func messageSize(size int) func(*Config) {
	return func(c *Config) { c.MaxMessageSize = size }
}

// transferBothWays moves data both ways at the same time.
func transferBothWays(t *testing.T, a, b *Conn, size int64) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		sendAndCompare(t, a, b, size)
	}()
	sendAndCompare(t, b, a, size)
	<-done
}

// fastMessage is the size that messages reach here on any machine; above it the rate decides.
const fastMessage = 256 << 10

func TestDifferentMessageSizes(t *testing.T) {
	for _, sizes := range [][2]int{{512, 60 << 10}, {60 << 10, 512}, {1 << 20, 60 << 10}, {60 << 10, 1 << 20}, {1 << 20, 1 << 20}, {512, 512}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				largest := 0
				w.set(func(m message) ([]byte, bool) {
					largest = max(largest, len(m.payload))
					return m.payload, true
				})
				dialed, accepted := w.connect(w.engine(messageSize(sizes[0])), w.listen(w.engine(messageSize(sizes[1]))))
				smaller := min(sizes[0], sizes[1])
				transferBothWays(t, dialed, accepted, int64(32*smaller))
				w.set(nil)
				if largest > smaller || largest < min(smaller*9/10, fastMessage) {
					t.Errorf("the largest message has %d bytes", largest)
				}
				if n := accepted.engine.Stats().Rejected + dialed.engine.Stats().Rejected; n != 0 {
					t.Errorf("%d messages were rejected", n)
				}
			})
		})
	}
}

// TestBrokerDropsLargeMessages without a word. The packets shrink until they
// pass, in both directions.
func TestBrokerDropsLargeMessages(t *testing.T) {
	for _, limit := range []int{16 << 10, 1 << 10} {
		simtest.Run(t, func(t *testing.T) {
			w := newWorld(t)
			w.set(func(m message) ([]byte, bool) { return m.payload, len(m.payload) <= limit })
			dialed, accepted := w.pair()
			start := time.Now()
			transferBothWays(t, dialed, accepted, 1<<20)
			t.Logf("limit %d: both ways after %v", limit, time.Since(start))
		})
	}
}

// TestBrokerHangsUpOnLargePackets without a word. Each end finds out in two
// connections, as MaxMessageSize should have said.
func TestBrokerHangsUpOnLargePackets(t *testing.T) {
	for _, limit := range []int{16 << 10, 4 << 10} {
		simtest.Run(t, func(t *testing.T) {
			w := newWorld(t, broker.Config{MaxPacketSize: limit})
			dialed, accepted := w.pair()
			start := time.Now()
			transferBothWays(t, dialed, accepted, 1<<20)
			t.Logf("limit %d: both ways after %v", limit, time.Since(start))
			for _, c := range []*Conn{dialed, accepted} {
				if n := c.Reconnects(); n > 2 {
					t.Errorf("limit %d: %d reconnects, want at most 2", limit, n)
				}
			}
		})
	}
}
