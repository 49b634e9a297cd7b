package record

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// mustOpen opens a packet that has to be good.
func mustOpen(t *testing.T, o *Opener, packet []byte, now time.Time) uint64 {
	t.Helper()
	number, _, err := open(o, packet, now)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// sealMany returns n packets.
func sealMany(s *Sealer, n int) [][]byte {
	packets := make([][]byte, n)
	for i := range packets {
		packets[i] = seal(s, []byte("some text"))
	}
	return packets
}

// Packets of neighbouring epochs open in any order, each once.
func TestReorderingAcrossEpochs(t *testing.T) {
	const epochBits, reach = 4, 12 // no packet is moved by more than reach, less than an epoch of 16
	r := rand.New(rand.NewPCG(1, 2))
	s, o := newPair(epochBits)
	packets := sealMany(s, 400)
	order := make([]int, len(packets))
	for i := range order {
		order[i] = i
	}
	for begin := 0; begin < len(order); begin += reach {
		part := order[begin:min(begin+reach, len(order))]
		r.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	for _, i := range order {
		if number := mustOpen(t, o, packets[i], start); number != uint64(i) {
			t.Fatalf("packet %d opened as %d", i, number)
		}
		if _, _, err := open(o, packets[i], start); !errors.Is(err, ErrReplay) {
			t.Fatalf("packet %d again: %v", i, err)
		}
	}
	if o.epoch != 399>>epochBits {
		t.Errorf("the receiver is in epoch %d", o.epoch)
	}
}

// Whatever is lost around a boundary, the next packet that arrives opens, as long as no whole epoch is missing.
func TestLossAcrossEpochs(t *testing.T) {
	for first := range 16 {
		s, o := newPair(3)
		packets := sealMany(s, 24)
		mustOpen(t, o, packets[0], start)
		_, _, err := open(o, packets[1+first], start)
		if lost := (1 + first) >> 3; lost <= 1 && err != nil || lost > 1 && !errors.Is(err, ErrEpoch) {
			t.Errorf("packet %d after packet 0: %v", 1+first, err)
		}
	}
}

func TestPreviousKeysAreDropped(t *testing.T) {
	s, o := newPair(3)
	packets := sealMany(s, 20)
	mustOpen(t, o, packets[0], start)
	mustOpen(t, o, packets[8], start)
	mustOpen(t, o, packets[1], start.Add(keepPrevious-1))
	if _, _, err := open(o, packets[2], start.Add(keepPrevious)); !errors.Is(err, ErrEpoch) {
		t.Errorf("a packet of the last epoch after %v: %v", keepPrevious, err)
	}
	if o.previous != nil {
		t.Error("the keys are still there")
	}
	mustOpen(t, o, packets[9], start.Add(keepPrevious))
	mustOpen(t, o, packets[16], start.Add(keepPrevious))
	mustOpen(t, o, packets[10], start.Add(keepPrevious))
	if _, _, err := open(o, packets[3], start.Add(keepPrevious)); !errors.Is(err, ErrEpoch) {
		t.Errorf("a packet of the epoch before the last: %v", err)
	}
}

// forge makes a packet whose number field says number, without the packet protection keys.
func forge(s *Sealer, number uint64) []byte {
	s.number, s.epoch = number, number>>s.epochBits
	packet := seal(s, []byte("never sealed like this"))
	packet[HeaderSize+sampleSize] ^= 1 // behind what the number's protection is computed from
	return packet
}

func TestForgedNumbersDoNotRatchet(t *testing.T) {
	s, o := newPair(4)
	for _, packet := range sealMany(s, 40) {
		mustOpen(t, o, packet, start)
	}
	forger, _ := newPair(4)
	before := stateOf(o)
	for number := range uint64(200) {
		_, _, err := o.Open(nil, forge(forger, number), start)
		if err == nil {
			t.Fatalf("forged number %d: accepted", number)
		}
		if stateOf(o) != before {
			t.Fatalf("forged number %d changed the state (%v)", number, err)
		}
	}
	trial := o.next
	if trial == nil {
		t.Fatal("no forged number led to the next epoch: the test does not test what it says")
	}
	for _, packet := range sealMany(s, 40) {
		mustOpen(t, o, packet, start)
	}
	if o.epoch != 4 || o.previous != trial {
		t.Errorf("the receiver is in epoch %d, or did not use the keys that it had derived for the forged packets", o.epoch)
	}
}

// The hourly jump happens an hour after an epoch began, if one of its packets was acknowledged, and goes to the next epoch's first number.
func TestHourlyJump(t *testing.T) {
	const epoch = 1 << EpochBits
	s, o := newPair(EpochBits)
	pass := func(want uint64, now time.Time) {
		t.Helper()
		if got := s.Next(now); got != want {
			t.Fatalf("Next is %d, want %d", got, want)
		}
		if got := mustOpen(t, o, seal(s, nil), now); got != want {
			t.Fatalf("opened as %d, want %d", got, want)
		}
	}
	pass(0, start)
	pass(1, start.Add(2*updateAfter)) // nothing was acknowledged
	s.Acknowledged(1)
	pass(epoch, start.Add(2*updateAfter))
	begun := start.Add(2 * updateAfter)
	s.Acknowledged(1) // of the last epoch: does not count
	pass(epoch+1, begun.Add(updateAfter))
	s.Acknowledged(epoch + 2) // never sent: does not count
	pass(epoch+2, begun.Add(updateAfter))
	s.Acknowledged(epoch)
	pass(epoch+3, begun.Add(updateAfter-1))
	pass(2*epoch, begun.Add(updateAfter))
	if got := s.Next(begun.Add(updateAfter)); got != 2*epoch+1 {
		t.Errorf("Next after the jump is %d", got)
	}
}

// Asking for the number again and again, hours apart, does not skip an epoch that no packet was sent in.
func TestNoEpochIsSkipped(t *testing.T) {
	s, _ := newPair(3)
	for i := range 8 {
		s.Next(start)
		s.Seal(make([]byte, Overhead), nil)
		s.Acknowledged(uint64(i))
	}
	for hours := range 10 {
		if got := s.Next(start.Add(time.Duration(hours) * updateAfter)); got != 8 {
			t.Fatalf("after %d hours Next is %d, want 8", hours, got)
		}
	}
}

// Seal crosses into the next epoch by itself; its age then counts from the next call of Next.
func TestSealAlonePassesTheBoundary(t *testing.T) {
	s, o := newPair(3)
	for _, packet := range sealMany(s, 10) {
		mustOpen(t, o, packet, start)
	}
	s.Acknowledged(9)
	if got := s.Next(start); got != 10 {
		t.Errorf("Next is %d, want 10", got)
	}
	if got := s.Next(start.Add(updateAfter)); got != 16 {
		t.Errorf("an hour later Next is %d, want 16", got)
	}
}

// While the peer is away for hours, the sender's keys wait for it.
func TestUnreachablePeerKeepsUp(t *testing.T) {
	s, o := newPair(EpochBits)
	s.Next(start)
	mustOpen(t, o, seal(s, nil), start)
	s.Acknowledged(0)
	now := start
	for range 50 {
		now = now.Add(updateAfter)
		s.Next(now)
		seal(s, nil) // lost
	}
	s.Next(now)
	mustOpen(t, o, seal(s, nil), now)
}

// No key and nonce are used twice, and numbers only rise, whatever mixture of packets, hours and acknowledgements comes.
func TestNoncesAreUnique(t *testing.T) {
	type use struct {
		keys  *epochKeys
		nonce [nonceSize]byte
	}
	r := rand.New(rand.NewPCG(5, 6))
	s, o := newPair(5)
	used, now, last := map[use]bool{}, start, int64(-1)
	for range 20000 {
		if r.IntN(50) == 0 {
			now = now.Add(updateAfter)
		}
		number := s.Next(now)
		if int64(number) <= last {
			t.Fatalf("number %d after %d", number, last)
		}
		last = int64(number)
		if got := mustOpen(t, o, seal(s, []byte("x")), now); got != number {
			t.Fatalf("packet %d opened as %d", number, got)
		}
		this := use{s.keys, s.inputs.nonce}
		if used[this] {
			t.Fatalf("number %d: key and nonce used before", number)
		}
		used[this] = true
		if r.IntN(3) == 0 {
			s.Acknowledged(number)
		}
	}
	if s.epoch < 20000>>5+100 {
		t.Errorf("epoch %d: the hours made no difference", s.epoch)
	}
}

func TestLastNumber(t *testing.T) {
	s, o := newPair(61)
	s.number, s.epoch = MaxNumber, 1
	o.received.next, o.epoch = MaxNumber, 1
	if got := s.Next(start); got != MaxNumber {
		t.Fatalf("Next is %d", got)
	}
	if got := mustOpen(t, o, seal(s, nil), start); got != MaxNumber {
		t.Fatalf("opened as %d", got)
	}
	for name, use := range map[string]func(){
		"Next": func() { s.Next(start) },
		"Seal": func() { s.Seal(make([]byte, Overhead), nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s went beyond the last number", name)
				}
			}()
			use()
		}()
	}
	if _, _, err := o.Open(nil, make([]byte, 100), start); err == nil || o.received.next > math.MaxInt64 {
		t.Errorf("after the last number: %v", err)
	}
}
