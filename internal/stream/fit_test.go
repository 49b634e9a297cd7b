package stream

import (
	"testing"
	"time"
)

// fitted returns a peer whose stream, with packets of fit bytes, has the rate
// and the round trip of a path that holds this much, once it has an ACK.
func fitted(t *testing.T, fit, holds int, startup bool) *peer {
	p := newBulk(t, 100<<10)
	p.s.size.fit = fit
	p.s.congestion.startup = startup
	p.s.congestion.rate = peak{current: float64(holds) / testRTT.Seconds(), start: p.now.Add(time.Hour)}
	p.write(1)
	p.sends(1)
	p.pass(testRTT)
	p.deliver(p.ack(0))
	return p
}

// A packet is so large that the messages granted hold twice what the path does.
func TestPacketsFillThePathWithTheGrant(t *testing.T) {
	const holds = 1 << 20 // of which packetTime has 63 KB
	if got, want := fitted(t, 4096, holds, false).s.size.packet(), int(10*packetTime.Milliseconds())*holds/1000; got < want-1 || got > want {
		t.Errorf("with 128 messages a packet has %d bytes, want %d", got, want)
	}
	p := fitted(t, 4096, holds, false)
	p.grantMessages = 24
	p.write(1)
	p.sends(1)
	p.pass(testRTT)
	p.deliver(p.ack(0, 1))
	if got, want := p.s.size.packet(), 2*holds/24; got != want && got != want-1 {
		t.Errorf("with 24 messages a packet has %d bytes, want %d", got, want)
	}
	if p.s.congestion.packet != p.s.size.packet()+testOverhead {
		t.Errorf("the window counts packets of %d bytes", p.s.congestion.packet)
	}
}

// onTrial returns a stream whose path delivers so many bytes a second, after the start-up, with packets of
// that size, and when larger ones are tried at the earliest.
func onTrial(t *testing.T, rate float64, fit int) (s *Stream, now time.Time) {
	p := newBulk(t, 32<<10)
	p.s.size.fit = fit
	p.s.congestion.startup = false
	p.s.congestion.packet, p.s.congestion.window = fit, 10*fit
	p.s.congestion.rate = peak{current: rate, start: p.now.Add(time.Hour)}
	p.s.congestion.sample(p.now, testRTT, 0)
	p.s.tryPackets(p.now, rate)
	return p.s, p.now.Add(firstTrial)
}

// rounds lets so many round trips pass over a path that delivers what rate says.
func rounds(s *Stream, now time.Time, n int, rate func(size int) float64) {
	for range n {
		r := rate(s.size.packet())
		s.congestion.rate.current = r
		s.tryPackets(now, r)
		s.fitPacket()
		s.congestion.window = max(s.congestion.window, 10*s.congestion.packet)
		now = now.Add(testRTT)
	}
}

const second = int(time.Second / testRTT) // in round trips

func TestPacketsShrinkWithTheRate(t *testing.T) {
	s, now := onTrial(t, 1_000_000, 32<<10)
	rounds(s, now, trialRounds, func(int) float64 { return 1_000_000 })
	if got, want := s.size.packet(), int(1_000_000*packetTime.Seconds()); got != want {
		t.Errorf("packets have %d bytes, want %d", got, want)
	}
}

// Where messages are counted, packets stay as large as they are, and become as large as they can be.
func TestPacketsGrowWhereMessagesAreCounted(t *testing.T) {
	for _, fit := range []int{initialPacket, 10 << 10, 32 << 10} {
		s, now := onTrial(t, 50*float64(fit), fit)
		counted := func(size int) float64 { return 50 * float64(size) }
		rounds(s, now, 20*second, counted)
		if got := s.size.packet(); got != s.size.limit {
			t.Errorf("from %d on, packets have %d bytes after 20 s, want %d", fit, got, s.size.limit)
		}
		small := 0
		rounds(s, now.Add(20*time.Second), 120*second, func(size int) float64 {
			if size < s.size.limit {
				small++
			}
			return counted(size)
		})
		if small == 0 || small > 120*second/20 {
			t.Errorf("from %d on, packets are smaller in %d round trips of %d", fit, small, 120*second)
		}
	}
}

// A trial of larger packets that brings nothing is soon over, and the next one far.
func TestLargerPacketsInVain(t *testing.T) {
	s, now := onTrial(t, 1_000_000, 4000)
	larger := 0
	s.congestion.phase = phaseCruise
	rounds(s, now, 1, func(int) float64 { return 1_000_000 })
	if !s.trial.on() || s.congestion.phase != phaseUp {
		t.Errorf("on trial: %v, in phase %v, want one with an up", s.trial.on(), s.congestion.phase)
	}
	rounds(s, now, 60*second, func(size int) float64 {
		if size > 4000 {
			larger++
		}
		return 1_000_000
	})
	if s.size.packet() != 4000 || larger == 0 || larger > 3*trialRounds {
		t.Errorf("larger packets in %d round trips of 60 s, and %d bytes afterwards", larger, s.size.packet())
	}
}

// What packets bring that wait says nothing: others may just have left.
func TestNoLargerPacketsWhilePacketsWait(t *testing.T) {
	s, now := onTrial(t, 1_000_000, 4000)
	s.congestion.queue = time.Second
	rounds(s, now, 60*second, func(size int) float64 { return 250 * float64(size) })
	if got := s.size.packet(); got != 4000 {
		t.Errorf("packets have %d bytes", got)
	}
}

// In the start-up the rate is that of a window that is still small.
func TestPacketsDoNotShrinkInTheStartup(t *testing.T) {
	if got := fitted(t, initialPacket, 1000, true).s.size.packet(); got != initialPacket {
		t.Errorf("a packet has %d bytes, want %d", got, initialPacket)
	}
}

// Each packet is as large as it can be while a pace is kept, and where packets
// get lost at whatever pace.
func TestPacketsAtAPace(t *testing.T) {
	for name, c := range map[string]struct {
		rate float64
		vain int
		want int
	}{"a pace": {10, 0, 100 << 10}, "losses at any pace": {0, 1, 100 << 10}, "neither": {0, 0, initialPacket}} {
		p := fitted(t, initialPacket, 1000, false)
		p.s.pace.rate, p.s.pace.vain = c.rate, c.vain
		p.write(1)
		p.pass(time.Second)
		p.sends(1)
		p.pass(testRTT)
		p.deliver(p.ack(0, 1))
		if got := p.s.size.packet(); got != c.want {
			t.Errorf("%s: a packet has %d bytes, want %d", name, got, c.want)
		}
	}
}
