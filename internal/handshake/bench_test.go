package handshake

import "testing"

// What a packet costs whose sender lacks the key.
func BenchmarkOpenGarbage(b *testing.B) {
	e := NewRoot(testKey, "").InboxKey()
	packet := make([]byte, MaxEnvelope)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Open(packet); err == nil {
			b.Fatal("garbage was opened")
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	e, random := NewRoot(testKey, "").InboxKey(), seeded(80)
	b.ReportAllocs()
	for b.Loop() {
		mustSeal(b, e, random, Pong{})
	}
}

// What a hello costs that passes for new: no public-key work yet.
func BenchmarkRespond(b *testing.B) {
	n := NewRoot(testKey, "").Name("thermostat")
	_, hello, err := n.Initiate(seeded(81), testOffer)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := n.Respond(hello); err != nil {
			b.Fatal(err)
		}
	}
}

// Both ends, with envelopes.
func BenchmarkHandshake(b *testing.B) {
	root, random := NewRoot(testKey, ""), seeded(82)
	b.ReportAllocs()
	for b.Loop() {
		runHandshake(b, root, "thermostat", random)
	}
}
