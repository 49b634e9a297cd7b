package engine

import (
	"math/rand/v2"
	"testing"
	"time"
)

var bucketStart = time.Unix(1e9, 0)

// The clock may stand, run and be set back. The model keeps what is in the bucket, in nanoseconds of refilling.
func TestBucketAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		perSecond, burst := 1+r.IntN(30), 1+r.IntN(20)
		bucket := newBucket(perSecond, burst)
		interval := int64(time.Second) / int64(perSecond)
		full := interval * int64(burst)
		level := full
		now := bucketStart
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
			if got := bucket.allow(now); got != want {
				t.Fatalf("seed %d, step %d: Allow = %v, want %v", seed, i, got, want)
			}
		}
	}
}

func TestBucketBoundsEverySecond(t *testing.T) {
	bucket := newBucket(20, 20)
	allowed := 0
	for ms := range 10000 {
		if bucket.allow(bucketStart.Add(time.Duration(ms) * time.Millisecond)) {
			allowed++
		}
	}
	if allowed < 219 || allowed > 220 {
		t.Errorf("%d answers in 10 s, want a burst of 20 and 20 a second", allowed)
	}
}
