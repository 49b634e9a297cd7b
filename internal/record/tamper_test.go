package record

import (
	"bytes"
	"errors"
	"testing"
)

// state is all of an Opener that a refused packet must leave alone. The next epoch's keys are not in it: they may be derived, and wait for proof.
type state struct {
	secret            [secretSize]byte
	previous, current *epochKeys
	epoch             uint64
	received          window
}

func stateOf(o *Opener) state {
	return state{*o.secret, o.previous, o.current, o.epoch, o.received}
}

// refuse checks that a packet is refused, at the latest by Open, and changes nothing.
func refuse(t *testing.T, o *Opener, mask *Mask, packet []byte, what string) {
	t.Helper()
	before := stateOf(o)
	id, ok := mask.ID(packet)
	_, plaintext, err := open(o, packet, start)
	if (ok && id == testID && err == nil) || plaintext != nil && err != nil {
		t.Fatalf("%s: accepted", what)
	}
	if err != nil && stateOf(o) != before {
		t.Fatalf("%s: the refused packet changed the state", what)
	}
}

func TestEveryByteCounts(t *testing.T) {
	mask := NewMask(testMask)
	for _, size := range []int{0, 1, 15, 16, 50, 333, 1024} {
		s, o := newPair(4)
		for range 20 { // so that there is a previous epoch too
			if _, _, err := o.Open(nil, seal(s, []byte("before")), start); err != nil {
				t.Fatal(err)
			}
		}
		packet := seal(s, bytes.Repeat([]byte("p"), size))
		for i := range packet {
			for _, change := range []byte{0x01, 0x80, 0xff} {
				packet[i] ^= change
				if i >= idSize { // a changed id leads to another connection or none; Open does not look at it
					refuse(t, o, mask, packet, "changed byte")
				} else if id, _ := mask.ID(packet); id == testID {
					t.Fatalf("byte %d changed: the id is still the same", i)
				}
				packet[i] ^= change
			}
		}
		for cut := range packet {
			refuse(t, o, mask, packet[:cut], "cut")
		}
		refuse(t, o, mask, append(bytes.Clone(packet), 0), "lengthened")
		if _, _, err := o.Open(nil, packet, start); err != nil {
			t.Fatalf("size %d: the genuine packet, after all the changed ones: %v", size, err)
		}
	}
}

func TestShortPackets(t *testing.T) {
	_, o := newPair(EpochBits)
	for size := range Overhead {
		if _, _, err := o.Open(nil, make([]byte, size), start); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes: %v", size, err)
		}
		if _, ok := NewMask(testMask).ID(make([]byte, size)); ok {
			t.Errorf("%d bytes have an id", size)
		}
	}
}

// A packet opens only with the id, secret and epoch that it was sealed for.
func TestOtherConnectionsDoNotOpen(t *testing.T) {
	s, _ := newPair(EpochBits)
	packet := seal(s, []byte("text"))
	otherSecret, otherID := testSecret, testID
	otherSecret[31] ^= 1
	otherID[7] ^= 1
	for name, o := range map[string]*Opener{
		"secret": NewOpener(otherSecret, testID, EpochBits),
		"id":     NewOpener(testSecret, otherID, EpochBits),
	} {
		if _, _, err := open(o, packet, start); err == nil {
			t.Errorf("a packet opened with another %s", name)
		}
	}
}

func TestReplay(t *testing.T) {
	s, o := newPair(EpochBits)
	var packets [][]byte
	for range 3 * windowSize {
		packets = append(packets, seal(s, []byte("x")))
	}
	for i := 0; i < len(packets); i += 2 {
		if _, _, err := open(o, packets[i], start); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
	}
	before := stateOf(o)
	for i := 0; i < len(packets); i += 2 {
		if number, _, err := open(o, packets[i], start); !errors.Is(err, ErrReplay) || number != uint64(i) {
			t.Fatalf("packet %d again: number %d, %v", i, number, err)
		}
	}
	if stateOf(o) != before {
		t.Error("replays changed the state")
	}
	highest := len(packets) - 2 // until the last packet, which is tried last
	for i := 1; i < len(packets); i += 2 {
		_, _, err := open(o, packets[i], start)
		if i <= highest-windowSize && !errors.Is(err, ErrReplay) {
			t.Fatalf("packet %d, %d behind the highest: %v", i, highest-i, err)
		}
		if i > highest-windowSize && err != nil {
			t.Fatalf("packet %d, %d behind the highest: %v", i, highest-i, err)
		}
	}
}

func TestSealRefusesTooLittleRoom(t *testing.T) {
	s, _ := newPair(EpochBits)
	for _, n := range []int{11, 1000} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Seal of %d bytes in a room for 10 did not panic", n)
				}
			}()
			s.Seal(make([]byte, 10+Overhead, 2000), make([]byte, n))
		}()
	}
	if s.number != 0 {
		t.Error("a number was used up")
	}
}
