package engine

import (
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestPayloadsLookRandom records two sessions that carry the same zeros. No 16
// bytes in a row occur twice, and all values of a byte are equally frequent: in
// whole payloads, and where packets hide their ids and numbers.
func TestPayloadsLookRandom(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.record()
		for range 2 {
			dialed, accepted := w.pair()
			for range 1000 {
				exchangeZero(t, dialed, accepted)
			}
			exchangeKilobytes(t, dialed, accepted)
			dialed.Close()
			accepted.Close()
			dialed.engine.Close()
			accepted.engine.Close()
		}
		var all, heads []byte
		for _, m := range w.recorded() {
			all = append(all, m.payload...)
			heads = append(heads, m.payload[:record.HeaderSize]...)
		}
		if at := repetition(w.recorded()); at >= 0 {
			t.Errorf("message %d of %d has 16 bytes that occurred before", at, len(w.recorded()))
		}
		// For 255 degrees of freedom the mean is 255 and the standard deviation
		// 22.6: beyond six of them something is wrong.
		for what, bytes := range map[string][]byte{"payloads": all, "heads": heads} {
			if x := chiSquare(bytes); x < 255-6*22.6 || x > 255+6*22.6 {
				t.Errorf("chi-square of the %s, %d bytes: %v", what, len(bytes), x)
			}
		}
	})
}

// exchangeZero sends one zero byte each way.
func exchangeZero(t *testing.T, a, b *Conn) {
	t.Helper()
	for _, way := range [][2]*Conn{{a, b}, {b, a}} {
		if _, err := way[0].Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		if _, err := way[1].Read([]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
}

// repetition returns the index of the first message with 16 bytes in a row
// that occurred before, -1 if there is none.
func repetition(log []message) int {
	seen := make(map[[16]byte]struct{})
	for i, m := range log {
		for at := 0; at+16 <= len(m.payload); at++ {
			window := [16]byte(m.payload[at:])
			if _, ok := seen[window]; ok {
				return i
			}
			seen[window] = struct{}{}
		}
	}
	return -1
}

// chiSquare compares the frequencies of the 256 values with equal ones.
func chiSquare(b []byte) (sum float64) {
	var counts [256]float64
	for _, v := range b {
		counts[v]++
	}
	expected := float64(len(b)) / 256
	for _, n := range counts {
		sum += (n - expected) * (n - expected) / expected
	}
	return sum
}
