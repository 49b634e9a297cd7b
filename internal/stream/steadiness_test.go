package stream

import (
	"testing"
	"time"
)

// until lets a simulation run until a time has passed.
func (s *sim) until(d time.Duration) {
	end := s.now.Add(d)
	s.after(d, func() {})
	s.run(d+time.Minute, func() bool { return !s.now.Before(end) })
}

// A transfer that goes on for minutes sees the round trip of the empty path again, though its own packets are always on it.
func TestRoundTripOfALongTransfer(t *testing.T) {
	const rate, delay = 200e3, 20 * ms
	s := newSim(t, 1, 64<<10, path{delay: delay, rate: rate}, path{delay: delay})
	a := s.ends[0]
	a.write = 1 << 30
	for range 5 {
		s.until(30 * time.Second)
		c := &a.stream.congestion
		if most := 2*delay + c.time(2*c.packet); c.base.value() > most {
			t.Fatalf("the smallest round trip is %v, want at most %v", c.base.value(), most)
		}
	}
}

// An application that sends a message now and then tells nothing about the path, though the rate holds its packets back.
func TestMessagesDoNotLowerTheRate(t *testing.T) {
	const rate, delay, size = 1e6, 50 * ms, 20 << 10
	for _, pause := range []time.Duration{ms, 300 * ms} {
		s := newSim(t, 1, 64<<10, path{delay: delay, rate: rate}, path{delay: delay})
		a, b := s.ends[0], s.ends[1]
		send := func(n int) time.Duration {
			want := b.read + n
			a.write += n
			return s.run(time.Minute, func() bool { return b.read == want })
		}
		send(4 << 20)
		first := send(size)
		for range 60 {
			s.until(2*delay + pause)
			if took := send(size); took > first+20*ms {
				t.Fatalf("a message takes %v, the first one took %v", took, first)
			}
		}
	}
}
