package handshake

import (
	"math"
	"testing"
)

// checkUniform fails if the counts are further from uniform than chance explains: five standard deviations of
// chi-square.
func checkUniform(t *testing.T, what string, counts []int) {
	t.Helper()
	total := 0
	for _, n := range counts {
		total += n
	}
	expected := float64(total) / float64(len(counts))
	sum := 0.0
	for _, n := range counts {
		sum += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	freedom := float64(len(counts) - 1)
	if limit := freedom + 5*math.Sqrt(2*freedom); sum > limit {
		t.Errorf("%s: chi-square %.0f with %.0f degrees of freedom, want below %.0f", what, sum, freedom, limit)
	}
}

// One message, sealed again and again, shows no bias at any position, nor in the difference between one packet and
// the next.
func TestEnvelopesLookRandom(t *testing.T) {
	const samples = 10000
	e := NewRoot(testKey, "").InboxKey()
	random := seeded(10)
	var values, differences [MinEnvelope][]int
	for i := range MinEnvelope {
		values[i], differences[i] = make([]int, 256), make([]int, 256)
	}
	tails := make([]int, 256)
	previous := mustSeal(t, e, random, Pong{})
	for range samples {
		packet := mustSeal(t, e, random, Pong{})
		for i := range MinEnvelope {
			values[i][packet[i]]++
			differences[i][packet[i]^previous[i]]++
		}
		for _, b := range packet[MinEnvelope:] {
			tails[b]++
		}
		previous = packet
	}
	for i := range MinEnvelope {
		checkUniform(t, "bytes at one position", values[i])
		checkUniform(t, "differences at one position", differences[i])
	}
	checkUniform(t, "bytes beyond the shortest length", tails)
}

func TestHandshakesNeverRepeatABlock(t *testing.T) {
	const block = 16
	root, random := NewRoot(testKey, ""), seeded(11)
	seen := make(map[[block]byte]bool)
	record := func(packet []byte) {
		for i := 0; i+block <= len(packet); i++ {
			b := [block]byte(packet[i:])
			if seen[b] {
				t.Fatalf("block %x at %d was on the wire before", b, i)
			}
			seen[b] = true
		}
	}
	secrets := make(map[[32]byte]bool)
	for range 200 {
		x := runHandshake(t, root, "thermostat", random)
		record(x.hello)
		record(x.answer)
		for _, s := range [][32]byte{x.dialer.ToListener, x.dialer.ToDialer} {
			if secrets[s] {
				t.Fatal("a traffic secret came twice")
			}
			secrets[s] = true
		}
	}
	// A repeated hello is sealed anew and shows nothing of what was sent before either.
	n := root.Name("thermostat")
	_, hello, err := n.Initiate(random, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		record(mustSeal(t, n.HelloKey(), random, hello))
	}
}
