package handshake

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
)

func digestOf(i int) (d [32]byte) {
	binary.BigEndian.PutUint64(d[:], uint64(i))
	return d
}

// TestReplayCacheAgainstModel compares with when each message was last new.
func TestReplayCacheAgainstModel(t *testing.T) {
	const lifetime = 10 * time.Second
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		capacity := 2 * (1 + r.IntN(40))
		cache := NewReplayCache(lifetime, capacity)
		added := make(map[[32]byte]int)
		var times []time.Time // of every message that was new
		now := testStart
		for i := range 3000 {
			now = now.Add(time.Duration(r.IntN(400)) * time.Millisecond)
			digest := digestOf(r.IntN(120))
			known := cache.Contains(digest, now)
			if last, ok := added[digest]; ok {
				age, later := now.Sub(times[last]), len(times)-1-last
				switch {
				case !known && age <= lifetime && later < capacity/2:
					t.Fatalf("seed %d, step %d: forgotten after %v and %d others", seed, i, age, later)
				case known && (age > 2*lifetime || later > capacity):
					t.Fatalf("seed %d, step %d: remembered after %v and %d others", seed, i, age, later)
				}
			} else if known {
				t.Fatalf("seed %d, step %d: never came", seed, i)
			}
			if cache.Add(digest, now) == known {
				t.Fatalf("seed %d, step %d: Contains is %v, and so is Add", seed, i, known)
			}
			if !known {
				added[digest] = len(times)
				times = append(times, now)
			}
			if n := len(cache.recent) + len(cache.older); n > capacity {
				t.Fatalf("seed %d, step %d: %d entries, want at most %d", seed, i, n, capacity)
			}
		}
	}
}

// TestReplayCacheForgetsTheOldestAtItsBound fills the cache of hellos and goes on.
func TestReplayCacheForgetsTheOldestAtItsBound(t *testing.T) {
	cache := NewReplayCache(time.Hour, HelloCapacity)
	for i := range 3 * HelloCapacity {
		if !cache.Add(digestOf(i), testStart) {
			t.Fatalf("entry %d is not new", i)
		}
	}
	for i := range 3 * HelloCapacity {
		known := cache.Contains(digestOf(i), testStart)
		if want := i >= 3*HelloCapacity-HelloCapacity/2; want && !known || i < 2*HelloCapacity && known {
			t.Fatalf("entry %d of %d: known is %v", i, 3*HelloCapacity, known)
		}
	}
}

// A hello is remembered for as long as its time would be accepted, also by a clock that stands or is set back.
func TestReplayCacheCoversTheWindow(t *testing.T) {
	const window = 10 * time.Second
	for _, ahead := range []time.Duration{-window, 0, window} {
		cache := NewReplayCache(2*window, HelloCapacity)
		hello := Hello{Time: testStart.Add(ahead), Noise: []byte{1}}
		cache.Add(digestOf(1), testStart.Add(-window)) // so that generations do not begin with the hello
		if !InTime(hello.Time, testStart, window) || !cache.Add(hello.Digest(), testStart) {
			t.Fatalf("hello %v ahead was not accepted", ahead)
		}
		for _, now := range []time.Time{testStart, testStart.Add(-window), hello.Time.Add(window)} {
			if cache.Add(hello.Digest(), now) {
				t.Errorf("hello %v ahead: forgotten %v later", ahead, now.Sub(testStart))
			}
		}
	}
}

func TestInTime(t *testing.T) {
	const window = 10 * time.Second
	for _, c := range []struct {
		off  time.Duration
		want bool
	}{
		{0, true}, {window, true}, {-window, true}, {window + 1, false}, {-window - 1, false}, {1 << 62, false}, {-1 << 62, false},
	} {
		if got := InTime(testStart.Add(c.off), testStart, window); got != c.want {
			t.Errorf("a hello %v off: %v, want %v", c.off, got, c.want)
		}
	}
	if InTime(time.Unix(0, -1<<63), time.Unix(0, 1<<63-1), window) {
		t.Error("the first and the last time that can be written are taken for near")
	}
}
