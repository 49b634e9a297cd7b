package wan

import (
	"math"
	"testing"
	"time"
)

var start = time.Unix(1_000_000, 0)

// flood offers a packet of n bytes every interval for a time, and returns the arrivals.
func flood(l *line, n int, interval, length time.Duration) (arrivals []time.Time, offered int) {
	for now := start; now.Before(start.Add(length)); now = now.Add(interval) {
		offered++
		if arrival, ok := l.admit(now, n); ok {
			arrivals = append(arrivals, arrival)
		}
	}
	return arrivals, offered
}

func TestRateAndQueue(t *testing.T) {
	for _, rate := range []float64{0.1, 1, 10, 200} {
		l := &line{Link: Link{Rate: rate, Delay: 30 * time.Millisecond, Queue: 200 * time.Millisecond}}
		interval := l.lasts(1500) / 3 // three times what the link carries
		arrivals, _ := flood(l, 1500, interval, 20*time.Second)
		first, last := arrivals[0], arrivals[len(arrivals)-1]
		measured := float64(len(arrivals)-1) * 1500 * 8 / last.Sub(first).Seconds() / 1e6
		if math.Abs(measured/rate-1) > 0.01 {
			t.Errorf("%g Mbit/s carries %g", rate, measured)
		}
		if first.Sub(start) != l.lasts(1500)+l.Delay {
			t.Errorf("%g Mbit/s: the first packet arrives after %v", rate, first.Sub(start))
		}
		longest := max(l.Queue, l.lasts(leastQueue*packetSize))
		waited := last.Sub(start.Add(20*time.Second)) - l.Delay
		if waited > longest || waited < longest-2*l.lasts(1500) {
			t.Errorf("%g Mbit/s: the last packet has waited %v in a queue of %v", rate, waited, longest)
		}
	}
}

func TestLoss(t *testing.T) {
	l := &line{Link: Link{Rate: 100, Queue: 200 * time.Millisecond, Loss: 0.03}}
	arrivals, offered := flood(l, 1000, time.Millisecond, time.Minute)
	if lost := 1 - float64(len(arrivals))/float64(offered); math.Abs(lost-0.03) > 0.01 {
		t.Errorf("%g of the packets are lost", lost)
	}
}

func TestJitterKeepsOrder(t *testing.T) {
	l := &line{Link: Link{Rate: 100, Delay: 5 * time.Millisecond, Jitter: 10 * time.Millisecond, Queue: 200 * time.Millisecond}}
	arrivals, offered := flood(l, 1000, time.Millisecond, 10*time.Second)
	if len(arrivals) != offered {
		t.Fatalf("%d of %d packets arrive", len(arrivals), offered)
	}
	late := 0
	for i, arrival := range arrivals {
		if i > 0 && arrival.Before(arrivals[i-1]) {
			t.Fatalf("packet %d arrives before the one before it", i)
		}
		if arrival.Sub(start)-time.Duration(i)*time.Millisecond > l.Delay+l.Jitter/2 {
			late++
		}
	}
	if late < offered/10 {
		t.Errorf("only %d of %d packets are late", late, offered)
	}
}
