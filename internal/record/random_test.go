package record

import (
	"encoding/binary"
	"testing"
)

// histogram counts byte values at each position of packets of one size.
type histogram [][256]int

func (h histogram) count(packet []byte) {
	for i, b := range packet {
		h[i][b]++
	}
}

// check fails if the values at any position, or at all together, are not evenly spread. Chi-square has 255 degrees of freedom: its mean is 255, its
// standard deviation 22.6. Inputs are fixed, so the outcome is too; 6 deviations leave room for hundreds of positions.
func (h histogram) check(t *testing.T, what string) {
	t.Helper()
	var all [256]int
	for i := range h {
		if x := chiSquare(&h[i]); x < 120 || x > 391 {
			t.Errorf("%s: byte %d: chi-square is %.1f", what, i, x)
		}
		for value, n := range h[i] {
			all[value] += n
		}
	}
	if x := chiSquare(&all); x < 120 || x > 391 {
		t.Errorf("%s: all bytes together: chi-square is %.1f", what, x)
	}
}

func chiSquare(counts *[256]int) (x float64) {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected := float64(total) / 256
	for _, n := range counts {
		x += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	return x
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range out {
		out[i] = a[i] ^ b[i]
	}
	return out
}

// zeros is the plaintext of these tests: the least random one.
var zeros = make([]byte, 50)

// Packets of one connection, its header included, look random, and so does what two of them have in common.
func TestPacketsLookRandom(t *testing.T) {
	s, _ := newPair(12)
	packets, neighbours, distant := newHistogram(), newHistogram(), newHistogram()
	first := seal(s, zeros)
	last := first
	for range 50000 {
		packet := seal(s, zeros)
		packets.count(packet)
		neighbours.count(xor(packet, last))
		distant.count(xor(packet, first))
		last = packet
	}
	packets.check(t, "packets")
	neighbours.check(t, "neighbouring packets XORed")
	distant.check(t, "packets XORed with the first")
}

// The first packets of many connections under one mask key look random too, although all have the same number and plaintext.
func TestFirstPacketsLookRandom(t *testing.T) {
	mask := NewMask(testMask)
	packets, neighbours := newHistogram(), newHistogram()
	last := make([]byte, len(zeros)+Overhead)
	for i := range 30000 {
		packet := seal(NewSealer(numberedSecret(i), testID, mask, EpochBits), zeros)
		packets.count(packet)
		if i > 0 {
			neighbours.count(xor(packet, last))
		}
		last = packet
	}
	packets.check(t, "first packets")
	neighbours.check(t, "first packets XORed")
}

func newHistogram() histogram { return make(histogram, len(zeros)+Overhead) }

func numberedSecret(i int) [secretSize]byte {
	secret := testSecret
	binary.BigEndian.PutUint64(secret[:], uint64(i))
	return secret
}

// No two packets have any block of 8 bytes in common, whether of one connection or of several with the same id and plaintext.
func TestNothingRepeats(t *testing.T) {
	mask := NewMask(testMask)
	seen := map[[8]byte]bool{}
	for i := range 200 {
		s := NewSealer(numberedSecret(i), testID, mask, 4)
		for range 50 {
			packet := seal(s, zeros)
			for begin := 0; begin+8 <= len(packet); begin += 8 {
				block := [8]byte(packet[begin:])
				if seen[block] {
					t.Fatalf("connection %d: block %x was seen before", i, block)
				}
				seen[block] = true
			}
		}
	}
}
