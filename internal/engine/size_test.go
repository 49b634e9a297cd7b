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

// TestBrokerHangsUpOnLargePackets without a word.
func TestBrokerHangsUpOnLargePackets(t *testing.T) {
	for _, limit := range []int{16 << 10, 2 << 10} {
		simtest.Run(t, func(t *testing.T) {
			w := newWorld(t, broker.Config{MaxPacketSize: limit})
			dialed, accepted := w.pair()
			start := time.Now()
			transferBothWays(t, dialed, accepted, 1<<20)
			t.Logf("limit %d: both ways after %v and %d reconnects", limit, time.Since(start), dialed.Reconnects())
		})
	}
}

// TestHangsSuspectWhatGrew has packets become larger long after the connection
// was made, until the broker hangs up.
func TestHangsSuspectWhatGrew(t *testing.T) {
	const size, passes = 60 << 10, 4 << 10
	for published, want := range map[int]int{5 * passes: 5 * passes / 2, 3 * minLimit / 2: minLimit, minLimit: size, passes: size} {
		var h hangs
		limit, now := size, time.Now()
		for range maxHangs {
			h.begin()
			h.note(minLimit, now)
			h.note(published, now.Add(10*hangTime))
			h.note(published+1, now.Add(20*hangTime)) // which is no other size
			if published == passes {
				h.notePassed(passes + 1)
			}
			if limit = h.limit(limit, size, now.Add(20*hangTime)); limit != size {
				t.Fatalf("%d bytes: the limit is %d although the connection lasted", published, limit)
			}
		}
		for range maxHangs {
			h.begin()
			h.note(minLimit, now)
			h.note(published, now.Add(10*hangTime))
			if published == passes {
				h.notePassed(passes)
			}
			limit = h.limit(limit, size, now.Add(10*hangTime+hangTime/2))
		}
		if limit != want {
			t.Errorf("%d bytes: the limit is %d, want %d", published, limit, want)
		}
	}
}

// TestHangsAcquitPartialPackets has connections end soon after a large packet
// that was far from full, when one almost as large had passed.
func TestHangsAcquitPartialPackets(t *testing.T) {
	const size = 32 << 10
	var h hangs
	now := time.Now()
	for range 10 * maxHangs {
		h.begin()
		h.first, h.largest = now, size/2+300
		h.notePassed(size/2 + 250)
		if limit := h.limit(size, size, now.Add(hangTime/2)); limit != size {
			t.Fatalf("the limit is %d", limit)
		}
	}
}

// TestHangsAcquitWhatPassed has connections end soon after their first large
// packet: only where no peer got it is its size to blame.
func TestHangsAcquitWhatPassed(t *testing.T) {
	const size = 60 << 10
	for passed, want := range map[int]int{0: size / 2, size - 200: size / 2, size - 100: size - 100, size: size} {
		var h hangs
		limit, now := size, time.Now()
		for range maxHangs {
			h.begin()
			h.first, h.largest = now, size
			h.notePassed(passed)
			h.notePassed(1)
			limit = h.limit(limit, size, now.Add(hangTime/2))
		}
		if limit != want {
			t.Errorf("packets of %d bytes passed: the limit is %d, want %d", passed, limit, want)
		}
	}
}
