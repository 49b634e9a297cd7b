package wire

import (
	"bytes"
	"testing"
)

// FuzzParse checks that an accepted packet encodes again to the same bytes, and that nothing of a refused one is visited.
func FuzzParse(f *testing.F) {
	for _, x := range examples(f) {
		f.Add(x.packet)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		again, calls, err := reencode(packet)
		if err != nil {
			if calls > 0 {
				t.Fatalf("refused after %d visits: %v", calls, err)
			}
			return
		}
		if !bytes.Equal(again, packet) {
			t.Fatalf("encoded again % x", again)
		}
	})
}
