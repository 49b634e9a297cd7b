package record

import (
	"bytes"
	"testing"
)

// FuzzOpen checks that only what the Sealer made opens, whatever else is presented, and that everything else changes nothing.
func FuzzOpen(f *testing.F) {
	s, _ := newPair(2)
	genuine := map[string]bool{}
	for _, packet := range sealMany(s, 8) {
		genuine[string(packet[idSize:])] = true
		f.Add(packet)
		f.Add(packet[:len(packet)-1])
		f.Add(forge(s, s.number))
	}
	for _, name := range []string{"packet 0", "packet 1"} {
		f.Add(readExample(f)[name])
	}
	f.Add(make([]byte, Overhead))
	f.Fuzz(func(t *testing.T, packet []byte) {
		_, o := newPair(2)
		before := stateOf(o)
		_, plaintext, err := o.Open(nil, bytes.Clone(packet), start)
		if err != nil {
			if plaintext != nil || stateOf(o) != before {
				t.Errorf("refused with %v, but the state changed", err)
			}
			return
		}
		if !genuine[string(packet[idSize:])] {
			t.Errorf("accepted, but never sealed")
		}
		if _, _, err := o.Open(nil, bytes.Clone(packet), start); err != ErrReplay {
			t.Errorf("opened again: %v", err)
		}
	})
}
