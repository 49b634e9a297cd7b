package handshake

import (
	"math/rand/v2"
	"testing"
	"time"
)

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

func TestOffsetErrsByHalfARoundTripAtMost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		offset := time.Duration(r.Int64N(int64(2000*time.Hour))) - 1000*time.Hour
		there, back := time.Duration(r.Int64N(int64(time.Minute))), time.Duration(r.Int64N(int64(time.Minute)))
		m := Time{Listener: testStart.Add(there + offset)}
		got := m.Offset(testStart, testStart.Add(there+back))
		if wrong := (got - offset).Abs(); wrong > (there+back)/2+1 {
			t.Fatalf("offset %v measured as %v over a round trip of %v", offset, got, there+back)
		}
	}
}

// The clock may stand, run and be set back. The model keeps what is in the bucket, in nanoseconds of refilling.
func TestBucketAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		perSecond, burst := 1+r.IntN(30), 1+r.IntN(20)
		bucket := NewBucket(perSecond, burst)
		interval := int64(time.Second) / int64(perSecond)
		full := interval * int64(burst)
		level := full
		now := testStart
		for i := range 2000 {
			step := time.Duration(r.Int64N(int64(100 * time.Millisecond)))
			if r.IntN(20) == 0 {
				step = -10 * step
			}
			now = now.Add(step)
			level = min(full, max(0, level+int64(step)))
			want := level >= interval
			if want {
				level -= interval
			}
			if i == 0 {
				level, want = full-interval, true // a new bucket is full whatever the time
			}
			if got := bucket.Allow(now); got != want {
				t.Fatalf("seed %d, step %d: Allow = %v, want %v", seed, i, got, want)
			}
		}
	}
}

func TestBucketBoundsEverySecond(t *testing.T) {
	bucket := NewBucket(20, 20)
	allowed := 0
	for ms := range 10000 {
		if bucket.Allow(testStart.Add(time.Duration(ms) * time.Millisecond)) {
			allowed++
		}
	}
	if allowed < 219 || allowed > 220 {
		t.Errorf("%d answers in 10 s, want a burst of 20 and 20 a second", allowed)
	}
}
