package message

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// naiveMemory keeps every IV for ever.
type naiveMemory map[iv]bool

func (m naiveMemory) add(v iv) bool {
	if m[v] {
		return false
	}
	m[v] = true
	return true
}

func inside(v iv, now time.Time, window time.Duration) bool {
	offset := v.offset(now)
	return offset >= -window && offset <= window
}

// TestMemoryIsComplete: under a clock that only goes forward, with room for everything, memory decides as one that keeps everything.
func TestMemoryIsComplete(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const window = 100 * time.Nanosecond
	small, all := newMemory(1000), make(naiveMemory)
	now := testTime
	for range 20000 {
		now = now.Add(time.Duration(random.IntN(3)))
		v := iv{now.UnixNano() + random.Int64N(201) - 100, random.Uint32N(3), 1}
		if got, want := small.add(v, now, window) == nil, all.add(v); got != want {
			t.Fatalf("%v at %d: new is %v, want %v", v, now.UnixNano(), got, want)
		}
		if !slices.IsSortedFunc(small.seen, iv.compare) || len(small.seen) > 201*3 {
			t.Fatalf("%d IVs kept, sorted is %v", len(small.seen), slices.IsSortedFunc(small.seen, iv.compare))
		}
	}
}

// TestMemoryWhenFull: at the limit the oldest gives way, nothing is accepted twice, and packets newer than what gave way still are.
func TestMemoryWhenFull(t *testing.T) {
	m := newMemory(3)
	at := func(n int64) iv { return iv{testTime.UnixNano() + n, 0, 1} }
	for _, n := range []int64{0, 20, 30, 40} {
		if m.add(at(n), testTime, time.Second) != nil {
			t.Errorf("%d was refused", n)
		}
	}
	for _, n := range []int64{0, 20, 30, 40, -5} {
		if m.add(at(n), testTime, time.Second) == nil {
			t.Errorf("%d was accepted: seen, or too old to tell", n)
		}
	}
	if m.add(at(25), testTime, time.Second) != nil {
		t.Error("25 was refused: newer than what was forgotten")
	}
	if m.add(at(20), testTime, time.Second) == nil || len(m.seen) != 3 {
		t.Errorf("20 accepted twice, or %d kept", len(m.seen))
	}
}

// TestMemoryIsBounded adds far more than the limit, in order and out of order.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(maxRemembered)
	for i := range int64(3 * maxRemembered) {
		m.add(iv{testTime.UnixNano() + i ^ 7, 0, 1}, testTime, time.Second)
	}
	if len(m.seen) != maxRemembered || cap(m.seen) > 3*maxRemembered/2 {
		t.Errorf("%d IVs kept in room for %d, want %d", len(m.seen), cap(m.seen), maxRemembered)
	}
}

// FuzzMemory reads pairs of bytes as an advance of the clock (signed: it may go back) and a time relative to it, and checks what holds
// under any clock and load: nothing is accepted twice, and what is refused was seen or is not newer than something forgotten.
func FuzzMemory(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 5, 1, 251, 1, 5}, uint8(4))
	f.Add([]byte{100, 0, 156, 0, 100, 0, 0, 0}, uint8(1))
	f.Fuzz(func(t *testing.T, steps []byte, limit uint8) {
		const window = 50 * time.Nanosecond
		m, all := newMemory(int(limit)+1), make(naiveMemory)
		now := testTime
		for ; len(steps) >= 2; steps = steps[2:] {
			now = now.Add(time.Duration(int8(steps[0])))
			v := iv{now.UnixNano() + int64(int8(steps[1])), 0, 1}
			if !inside(v, now, window) {
				continue
			}
			accepted, unseen := m.add(v, now, window) == nil, all.add(v)
			if accepted && !unseen {
				t.Fatalf("%v accepted twice", v)
			}
			if !accepted && unseen && v.time > m.forgotten {
				t.Fatalf("%v refused, and was never seen, and nothing of its time was forgotten", v)
			}
			if len(m.seen) > m.limit || !slices.IsSortedFunc(m.seen, iv.compare) {
				t.Fatalf("%d IVs kept of at most %d", len(m.seen), m.limit)
			}
		}
	})
}
