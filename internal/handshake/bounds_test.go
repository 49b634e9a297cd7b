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
