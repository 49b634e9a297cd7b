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

// naiveCache does what ReplayCache promises, by looking at every entry every time.
type naiveCache struct {
	capacity int
	entries  map[[32]byte]time.Time
}

func (c *naiveCache) add(digest [32]byte, expires, now time.Time) bool {
	for d, e := range c.entries {
		if now.After(e) {
			delete(c.entries, d)
		}
	}
	if _, ok := c.entries[digest]; ok {
		return false
	}
	if len(c.entries) == c.capacity {
		delete(c.entries, c.first())
	}
	c.entries[digest] = expires
	return true
}

func (c *naiveCache) first() (digest [32]byte) {
	var soonest time.Time
	for d, e := range c.entries {
		if soonest.IsZero() || e.Before(soonest) {
			digest, soonest = d, e
		}
	}
	return digest
}

func TestReplayCacheAgainstModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		capacity := 1 + r.IntN(40)
		cache := NewReplayCache(capacity)
		model := naiveCache{capacity: capacity, entries: make(map[[32]byte]time.Time)}
		now := testStart
		for i := range 3000 {
			now = now.Add(time.Duration(r.IntN(400)-20) * time.Millisecond)
			digest := digestOf(r.IntN(120))
			// No two expire at the same instant, or which one is evicted first would be open.
			expires := now.Add(time.Duration(r.IntN(20000))*time.Millisecond + time.Duration(i))
			known := cache.Contains(digest, now)
			if got, want := cache.Add(digest, expires, now), model.add(digest, expires, now); got != want || known == want {
				t.Fatalf("seed %d, step %d: Add = %v, Contains before it %v, want %v", seed, i, got, known, want)
			}
			if len(cache.order) != len(model.entries) || len(cache.seen) != len(cache.order) || len(cache.order) > capacity {
				t.Fatalf("seed %d, step %d: %d entries and %d digests, want %d", seed, i, len(cache.order), len(cache.seen), len(model.entries))
			}
		}
	}
}

func TestReplayCacheForgetsTheSoonestAtItsBound(t *testing.T) {
	const extra = 100
	cache := NewReplayCache(HelloCapacity)
	expires := func(i int) time.Time { return testStart.Add(time.Second + time.Duration(i)) }
	for i := range HelloCapacity + extra {
		if !cache.Add(digestOf(i), expires(i), testStart) {
			t.Fatalf("entry %d is not new", i)
		}
	}
	if len(cache.order) != HelloCapacity {
		t.Errorf("%d entries, want %d", len(cache.order), HelloCapacity)
	}
	for i := extra; i < HelloCapacity+extra; i++ {
		if cache.Add(digestOf(i), expires(i), testStart) {
			t.Fatalf("entry %d was forgotten before earlier ones", i)
		}
	}
	if !cache.Add(digestOf(extra-1), expires(extra-1), testStart) {
		t.Errorf("entry %d was not forgotten", extra-1)
	}
	if cache.Add(digestOf(extra-1), expires(extra-1), testStart) {
		t.Error("the newest entry was forgotten at once because it expires first")
	}
}

// A hello is remembered for exactly as long as its time would be accepted.
func TestReplayCacheCoversTheWindow(t *testing.T) {
	const window = 10 * time.Second
	cache := NewReplayCache(HelloCapacity)
	for _, ahead := range []time.Duration{-window, 0, window} {
		hello := Hello{Time: testStart.Add(ahead), Noise: []byte{byte(ahead / time.Second)}}
		expires := hello.Time.Add(window)
		if !InTime(hello.Time, testStart, window) || !cache.Add(hello.Digest(), expires, testStart) {
			t.Fatalf("hello %v ahead was not accepted", ahead)
		}
		if InTime(hello.Time, expires, window) == cache.Add(hello.Digest(), expires, expires) {
			t.Errorf("hello %v ahead: forgotten while its time is accepted", ahead)
		}
		later := expires.Add(1)
		if InTime(hello.Time, later, window) {
			t.Errorf("hello %v ahead: accepted after it expired", ahead)
		}
	}
	cache.Add(digestOf(1), testStart.Add(time.Hour), testStart.Add(time.Minute))
	if len(cache.order) != 1 {
		t.Errorf("%d entries after all but one expired", len(cache.order))
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
