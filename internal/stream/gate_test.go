package stream

import (
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	const interval = 10 * ms
	var g gate
	now := time.Unix(1e9, 0)
	pass := func() int {
		n := 0
		for g.admits(now) {
			g.passed(now, interval)
			n++
		}
		return n
	}
	if n, most := pass(), int(gateBurst/interval)+1; n != most {
		t.Errorf("%d packets at once, want %d", n, most)
	}
	total := 0
	for range 100 {
		deadline := g.deadline()
		if !deadline.After(now) {
			t.Fatalf("the deadline is %v away", deadline.Sub(now))
		}
		g.expire(deadline.Add(-1))
		if g.deadline() != deadline {
			t.Fatal("the deadline passed too early")
		}
		now = deadline
		if g.expire(now); !g.deadline().IsZero() {
			t.Fatal("there is a deadline although nothing waits")
		}
		total += pass()
	}
	if total != 100 {
		t.Errorf("%d packets in 100 intervals", total)
	}
}

// Who was away for long gets no more at once.
func TestGateAfterAPause(t *testing.T) {
	var g gate
	now := time.Unix(1e9, 0)
	g.passed(now, time.Second)
	now = now.Add(time.Hour)
	n := 0
	for ; g.admits(now); n++ {
		g.passed(now, gateBurst/4)
	}
	if n != 5 {
		t.Errorf("%d packets at once, want the burst and the one after it", n)
	}
}

// Without an interval a gate admits all.
func TestOpenGate(t *testing.T) {
	var g gate
	now := time.Unix(1e9, 0)
	for range 100 {
		if !g.admits(now) {
			t.Fatal("a packet waits")
		}
		g.passed(now, 0)
	}
}
