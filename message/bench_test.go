package message

import (
	"bytes"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

var hundredBytes = bytes.Repeat([]byte("m"), 100)

func BenchmarkSeal100(b *testing.B) {
	codec := &Codec{Key: testKey}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Seal(hundredBytes); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen100 opens packets that a second Codec seals while the timer rests.
func BenchmarkOpen100(b *testing.B) {
	receiver := &Codec{Key: testKey}
	b.ReportAllocs()
	var packets [][]byte
	for b.Loop() {
		if len(packets) == 0 {
			b.StopTimer()
			packets = sealMany(b, 1000)
			b.StartTimer()
		}
		if _, err := receiver.Open(packets[0]); err != nil {
			b.Fatal(err)
		}
		packets = packets[1:]
	}
}

// BenchmarkOpenForged100 is what a packet costs whose sender lacks the key.
func BenchmarkOpenForged100(b *testing.B) {
	receiver := &Codec{Key: testKey}
	packet := make([]byte, Overhead+100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := receiver.Open(packet); err == nil {
			b.Fatal("opened")
		}
	}
}

func sealMany(tb testing.TB, n int) [][]byte {
	sender := &Codec{Key: testKey}
	packets := make([][]byte, n)
	for i := range packets {
		var err error
		if packets[i], err = sender.Seal(hundredBytes); err != nil {
			tb.Fatal(err)
		}
	}
	return packets
}

// TestAllocations: the packet or the message that is returned, and nothing else.
func TestAllocations(t *testing.T) {
	const runs = 2000
	codec := &Codec{Key: testKey}
	if got := testing.AllocsPerRun(runs, func() { codec.Seal(hundredBytes) }); got > 1 {
		t.Errorf("Seal allocates %v times, want 1", got)
	}
	packets := sealMany(t, runs+1) // AllocsPerRun makes one run more, to warm up
	next := 0
	got := testing.AllocsPerRun(runs, func() {
		if _, err := codec.Open(packets[next]); err != nil {
			t.Error(err)
		}
		next++
	})
	if got > 1 {
		t.Errorf("Open allocates %v times, want 1", got)
	}
	if got := testing.AllocsPerRun(runs, func() { codec.Open(packets[0]) }); got > 1 {
		t.Errorf("refusing allocates %v times, want at most 1", got)
	}
	for _, size := range []int{0, Overhead - 1, MaxPacketSize + 1, 1 << 20} {
		packet := make([]byte, size)
		if got := testing.AllocsPerRun(runs, func() { codec.Open(packet) }); got > 0 {
			t.Errorf("refusing %d bytes for their number allocates %v times, want 0", size, got)
		}
	}
}

// TestForgedAllocations: what somebody without the key sends to a Session is opened where it lies and leaves nothing behind.
func TestForgedAllocations(t *testing.T) {
	s, err := newSession(address.Address{Brokers: make([]address.Broker, 1)}, &Config{Keys: []mqtte2e.Key{testKey}, Subscribe: "x"})
	if err != nil {
		t.Fatal(err)
	}
	topic := []byte("topic")
	for _, size := range []int{0, Overhead + 100, MaxPacketSize} {
		packet := make([]byte, size)
		// The few counts that are logged are averaged out.
		if got := testing.AllocsPerRun(2000, func() { s.inbox.handle(s.peers[0], 0, topic, packet) }); got > 0 {
			t.Errorf("a packet of %d bytes allocates %v times, want 0", size, got)
		}
	}
}
