package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestBucket(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	b := &bucket{rate: 10}
	for i := range 10 {
		if wait := b.take(now, 1); wait != 0 {
			t.Fatalf("message %d of a second's worth has to wait %v", i, wait)
		}
	}
	wait := b.take(now, 1)
	if wait < 100*time.Millisecond || wait > 101*time.Millisecond {
		t.Errorf("the one after has to wait %v", wait)
	}
	if again := b.take(now.Add(wait), 1); again != 0 {
		t.Errorf("having waited, it has to wait %v", again)
	}
	now = now.Add(time.Hour)
	for range 10 {
		b.take(now, 1)
	}
	if b.take(now, 1) == 0 {
		t.Error("more than a second's worth is saved up")
	}
}

// published is a CONNECT and n PUBLISH packets of the given payload, and a PINGREQ.
func published(n, size int) (all []byte) {
	all = packet(0x10, []byte("whatever"))
	for range n {
		all = append(all, packet(0x30, append(mqttString("topic"), make([]byte, size)...))...)
	}
	return append(all, packet(0xC0, nil)...)
}

func TestRelay(t *testing.T) { simtest.Run(t, testRelay) }

func testRelay(t *testing.T) {
	tests := []struct {
		name string
		limit
		passed int // of 30 PUBLISH packets
		after  time.Duration
		err    error
	}{
		{"messages discarded", limit{Messages: 10, Beyond: discarded}, 10, 0, nil},
		{"messages disconnected", limit{Messages: 10, Beyond: disconnected}, 10, 0, errBeyond},
		{"bytes discarded", limit{Bytes: 20_000, Beyond: discarded}, 19, 0, nil},
		{"not beyond", limit{Messages: 100, Beyond: disconnected}, 30, 0, nil},
		{"messages delayed", limit{Messages: 10, Beyond: delayed}, 30, 2 * time.Second, nil},
	}
	for _, test := range tests {
		var out bytes.Buffer
		r := &limiter{limit: test.limit}
		start := time.Now()
		err := r.relay(bytes.NewReader(published(30, 1000)), &out)
		if test.err != nil && err != test.err {
			t.Errorf("%s: relay ends with %v", test.name, err)
		}
		if elapsed := time.Since(start).Truncate(time.Millisecond); elapsed != test.after {
			t.Errorf("%s: it took %v, not %v", test.name, elapsed, test.after)
		}
		want := published(test.passed, 1000)
		if test.err != nil {
			want = want[:len(want)-2] // it has not come to PINGREQ
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: %d bytes passed, not the %d of %d messages", test.name, out.Len(), len(want), test.passed)
		}
	}
}
