package record

import (
	"math/rand/v2"
	"testing"
)

// nearestNumber is expandNumber by trying all that come into question.
func nearestNumber(next uint64, low uint32) uint64 {
	best, distance := int64(-1), int64(-1)
	for turn := int64(next>>32) - 2; turn <= int64(next>>32)+2; turn++ {
		candidate := turn<<32 | int64(low)
		if turn < 0 || candidate > MaxNumber {
			continue
		}
		away := max(candidate-int64(next), int64(next)-candidate)
		if best < 0 || away <= distance { // on a tie the higher one
			best, distance = candidate, away
		}
	}
	return uint64(best)
}

func TestExpandNumber(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	edges := []uint64{
		0, 1, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1, 1 << 32, 1<<32 + 1<<31, 1 << 40,
		MaxNumber - 1<<32, MaxNumber - 1<<31, MaxNumber, MaxNumber + 1,
	}
	check := func(next uint64, low uint32) {
		if got, want := expandNumber(next, low), nearestNumber(next, low); got != want {
			t.Fatalf("expandNumber(%#x, %#x) = %#x, want %#x", next, low, got, want)
		}
	}
	for _, next := range edges {
		for _, other := range edges {
			for near := uint32(0); near < 5; near++ {
				check(next, uint32(other)+near-2)
				check(next, uint32(next)+uint32(other)+near-2)
			}
		}
	}
	for range 200000 {
		check(min(r.Uint64()>>(2+r.IntN(62)), MaxNumber+1), r.Uint32())
	}
}

// What the sender numbers is recovered as long as fewer than 2^31 numbers are missing in between.
func TestExpandNumberRecovers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 200000 {
		next := r.Uint64() >> (3 + r.IntN(61))
		number := next + r.Uint64N(1<<31)
		if r.IntN(2) == 0 && next >= windowSize {
			number = next - 1 - r.Uint64N(windowSize)
		}
		if got := expandNumber(next, uint32(number)); got != number {
			t.Fatalf("number %#x, expected %#x: got %#x", number, next, got)
		}
	}
}
