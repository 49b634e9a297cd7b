package record

import (
	"bytes"
	"testing"
	"time"
)

// start is when every test begins.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// testSecret, testID and testMask are the fixed inputs of tests that need no others.
var (
	testSecret = [secretSize]byte([]byte("traffic secret of one direction."))
	testID     = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	testMask   = [16]byte([]byte("the mask's bytes"))
)

// newPair returns both ends of one direction.
func newPair(epochBits uint) (*Sealer, *Opener) {
	return NewSealer(testSecret, testID, NewMask(testMask), epochBits), NewOpener(testSecret, testID, epochBits)
}

// seal returns the next packet of s, holding plaintext.
func seal(s *Sealer, plaintext []byte) []byte {
	room := make([]byte, len(plaintext)+Overhead)
	return room[:s.Seal(room, plaintext)]
}

// open opens a copy of packet, so that it can be opened again.
func open(o *Opener, packet []byte, now time.Time) (uint64, []byte, error) {
	return o.Open(nil, bytes.Clone(packet), now)
}

func TestSealAndOpen(t *testing.T) {
	s, o := newPair(EpochBits)
	mask := NewMask(testMask)
	for i, size := range []int{0, 1, 50, 1024, 65000, 1 << 20} {
		plaintext := bytes.Repeat([]byte{byte(i + 1)}, size)
		if next := s.Next(start); next != uint64(i) {
			t.Fatalf("Next is %d, want %d", next, i)
		}
		packet := seal(s, plaintext)
		if id, ok := mask.ID(packet); !ok || id != testID {
			t.Errorf("size %d: ID is %v, %v", size, id, ok)
		}
		room := make([]byte, size, size+1)
		if i%2 > 0 {
			room = nil // in place
		}
		number, got, err := o.Open(room, packet, start)
		if err != nil || number != uint64(i) || !bytes.Equal(got, plaintext) {
			t.Errorf("size %d: Open: number %d, %d bytes, %v", size, number, len(got), err)
		}
		if size > 0 && room != nil && &got[0] != &room[0] {
			t.Errorf("size %d: the plaintext is not in the room for it", size)
		}
	}
}

// TestSealApart seals from the middle of a buffer: the packet is the same as one made in place, and the buffer stays as it was.
func TestSealApart(t *testing.T) {
	for _, size := range []int{0, 1, 15, 16, 17, 1024, 32 << 10} {
		here, _ := newPair(EpochBits)
		apart, _ := newPair(EpochBits)
		const before, behind = 128, 64
		buffer := make([]byte, before+size+behind)
		for i := range buffer {
			buffer[i] = byte(i)
		}
		want := bytes.Clone(buffer)
		plaintext := buffer[before : before+size]
		room, inPlace := make([]byte, size+Overhead), make([]byte, size+Overhead)
		copy(inPlace[HeaderSize:], plaintext)
		here.Seal(inPlace, inPlace[HeaderSize:HeaderSize+size])
		if n := apart.Seal(room, plaintext); n != len(room) {
			t.Errorf("size %d: the packet has %d bytes", size, n)
		}
		if !bytes.Equal(room, inPlace) {
			t.Errorf("size %d: the packet differs from one that was made in place", size)
		}
		if !bytes.Equal(buffer, want) {
			t.Errorf("size %d: sealing changed the buffer", size)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	s, o := newPair(EpochBits)
	mask := NewMask(testMask)
	room := make([]byte, 1024+Overhead)
	if n := testing.AllocsPerRun(1000, func() {
		s.Next(start)
		size := s.Seal(room, room[HeaderSize:HeaderSize+1024])
		mask.ID(room[:size])
		if _, _, err := o.Open(nil, room[:size], start); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("sealing and opening a packet allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() { _, _, _ = o.Open(nil, room, start) }); n != 0 {
		t.Errorf("refusing a packet allocates %v times", n)
	}
}
