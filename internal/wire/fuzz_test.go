package wire

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzParse checks that an accepted packet encodes again to the same bytes, that nothing of a refused one is visited, and that Describe agrees.
func FuzzParse(f *testing.F) {
	for _, x := range examples(f) {
		f.Add(x.packet)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		text := Describe(packet)
		again, calls, err := reencode(packet)
		if err != nil {
			if calls > 0 {
				t.Fatalf("refused after %d visits: %v", calls, err)
			}
			if !strings.HasSuffix(text, err.Error()) {
				t.Fatalf("refused with %v, but described as %q", err, text)
			}
			return
		}
		if !bytes.Equal(again, packet) {
			t.Fatalf("encoded again % x", again)
		}
		if strings.Contains(text, "malformed") {
			t.Fatalf("accepted, but described as %q", text)
		}
	})
}
