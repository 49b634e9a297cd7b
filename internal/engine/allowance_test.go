package engine

import (
	"io"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// aService stands for a broker that hangs up on who publishes more than allowed a second, of messages or bytes. As much as
// it allows in burst seconds may go at once.
type aService struct {
	*allowance
	now            time.Time
	allowed, burst float64
	ofBytes        bool // bytes are counted
	line           int  // messages of 4 KiB that the link carries a second

	left    float64
	hangUps int
	passed  int // bytes
}

const (
	serviceMessage = 32 << 10 // bytes at most
	servicePause   = 60 * time.Millisecond
)

func newService(allowed, burst float64, ofBytes bool, line int) *aService {
	return &aService{allowance: new(allowance), now: time.Unix(1e9, 0), allowed: allowed, burst: burst, ofBytes: ofBytes, line: line, left: allowed * burst}
}

// transfer sends as much as may go for a time, in messages of 4 KiB while nothing bounds them.
func (s *aService) transfer(d time.Duration) {
	const step = time.Millisecond
	due := 0.0
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(step) {
		s.left = min(s.left+s.allowed*step.Seconds(), s.allowed*s.burst)
		for due += float64(s.line) * step.Seconds(); due >= 1 && s.goes(); {
			size := s.publish()
			if size == 0 {
				break
			}
			due -= float64(size) / (4 << 10)
		}
		due = min(due, 1)
	}
}

// goes reports whether data may go, which waits.
func (s *aService) goes() bool {
	if s.wait(s.now) == 0 {
		return true
	}
	s.holdsBack(s.now)
	return false
}

// publish sends a message and returns its size; 0: that was too much.
func (s *aService) publish() (size int) {
	size = 4 << 10
	cost := 1.0
	if s.on.Load() {
		size = serviceMessage
	}
	if s.sent(size); s.ofBytes {
		cost = float64(size)
	}
	if s.left < cost {
		s.cut(servicePause)
		s.left = s.allowed * s.burst
		return 0
	}
	s.left -= cost
	s.arrived(1, size, s.now)
	s.passed += size
	return size
}

// cut ends the connection; the next one is up after pause.
func (s *aService) cut(pause time.Duration) (suspected, known bool) {
	s.hangUps++
	s.down(s.now, true)
	s.now = s.now.Add(pause)
	return s.up(s.now)
}

// Whatever is counted, the broker hangs up twice in the first minute, and then ever less often.
func TestAllowanceIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		*aService
		first, more int // hang-ups in the first minute, and in nine more
		share       float64
	}{
		"messages":            {newService(100, 1, false, 1000), 2, 3, 0.7},
		"few messages":        {newService(10, 1, false, 1000), 2, 3, 0.75},
		"little at once":      {newService(100, 0.2, false, 1000), 2, 3, 0.5},
		"more at once":        {newService(100, 2, false, 1000), 4, 4, 0.4},
		"much at once":        {newService(100, 5, false, 1000), 5, 6, 0.2},
		"bytes":               {newService(512<<10, 1, true, 1000), 2, 3, 0.8},
		"bytes on a slow way": {newService(512<<10, 1, true, 200), 2, 3, 0.8},
	} {
		s := c.aService
		s.transfer(time.Minute)
		first := s.hangUps
		s.passed = 0
		s.transfer(9 * time.Minute)
		allowed := s.allowed
		if !s.ofBytes {
			allowed *= serviceMessage
		}
		share := float64(s.passed) / allowed / (9 * time.Minute).Seconds()
		t.Logf("%s: %d hang-ups in the first minute, %d in nine more, with %.2f of the allowance", name, first, s.hangUps-first, share)
		if first > c.first || s.hangUps-first > c.more || share < c.share {
			t.Errorf("%s: want %d, %d and %.2f", name, c.first, c.more, c.share)
		}
	}
}

func TestNothingIsSuspected(t *testing.T) {
	for name, cut := range map[string]func(s *aService) (suspected, known bool){
		"little arrived": func(s *aService) (bool, bool) { s.line = 7; s.transfer(time.Second); return s.cut(0) },
		"a restart":      func(s *aService) (bool, bool) { s.transfer(time.Second); return s.cut(awayTime + 1) },
		"the transfer was over": func(s *aService) (bool, bool) {
			s.transfer(time.Second)
			s.now = s.now.Add(2 * meterPeriod)
			return s.cut(0)
		},
		"the network": func(s *aService) (bool, bool) {
			s.transfer(time.Second)
			s.down(s.now, false)
			return s.up(s.now)
		},
	} {
		s := newService(1e9, 1, false, 1000)
		for range 3 {
			if suspected, known := cut(s); suspected || known || s.on.Load() {
				t.Errorf("%s: suspected", name)
			}
		}
	}
}

// What arrives on the next connection before it is told that it is up says nothing of the last one.
func TestEndIsJudgedWhenItComes(t *testing.T) {
	s := newService(1e9, 1, false, 1000)
	s.down(s.now, true)
	for range 100 {
		s.arrived(1, 4<<10, s.now)
	}
	if suspected, _ := s.up(s.now); suspected {
		t.Error("suspected")
	}
}

// A connection that was cut once, for another reason, costs little for a moment, and nothing soon.
func TestOneCutCostsLittle(t *testing.T) {
	for before, least := range map[time.Duration]int{100 * time.Millisecond: 990, 500 * time.Millisecond: 1590, 2 * time.Second: 1790, time.Minute: 1970} {
		s := newService(1e9, 1, false, 200)
		s.transfer(before)
		if suspected, known := s.cut(0); !suspected || known {
			t.Fatalf("cut after %v: suspected %v, known %v", before, suspected, known)
		}
		s.passed = 0
		s.transfer(10 * time.Second)
		if sent := s.passed >> 12; sent < least {
			t.Errorf("cut after %v: then %d go in 10 s, of 2000, want %d", before, sent, least)
		}
		if s.transfer(10 * time.Second); s.passed>>12 < least+1900 {
			t.Errorf("cut after %v: later %d go in 20 s, of 4000", before, s.passed>>12)
		}
		if s.transfer(unusedLife + time.Second); s.on.Load() {
			t.Errorf("cut after %v: it is bounded a minute later", before)
		}
	}
}

// What is cut again and again although no bound grows is cut by something else.
func TestAllowanceGivesUp(t *testing.T) {
	s := newService(100, 1, false, 1000)
	s.transfer(30 * time.Second)
	for n := range maxLowered + 1 {
		if _, known := s.cut(0); known != (n < maxLowered) || s.on.Load() != known {
			t.Fatalf("after %d cuts: known %v, bounded %v", n+1, known, s.on.Load())
		}
		s.transfer(2 * time.Second)
	}
	s.allowed, s.left = 1e9, 1e9
	for range 10 {
		s.transfer(time.Second)
		if suspected, _ := s.cut(0); suspected {
			t.Error("suspected at once")
		}
	}
	s.now = s.now.Add(vainLife)
	s.transfer(time.Second)
	if suspected, known := s.cut(0); !suspected || known || s.held.After(s.now) {
		t.Errorf("later: suspected %v, known %v, held until %v", suspected, known, s.held)
	}
}

// An allowance that was found stays for its time although nothing waits for it, and no longer.
func TestAllowanceEnds(t *testing.T) {
	s := newService(100, 1, false, 1000)
	s.transfer(30 * time.Second)
	begin, ended := s.now, time.Time{}
	for s.on.Load() && s.now.Before(begin.Add(time.Hour)) {
		s.now = s.now.Add(10 * time.Second)
		if s.wait(s.now) == 0 {
			s.sent(100) // nothing waits behind it
			ended = s.now
		}
	}
	if lasted := ended.Sub(begin); lasted < 20*time.Second || lasted > allowanceLife+unusedLife {
		t.Errorf("it lasted for %v more", lasted)
	}
}

// TestAllowanceOfABroker transfers through a broker that hangs up on more than a hundred messages a second.
func TestAllowanceOfABroker(t *testing.T) {
	const allowed, length = 100, 2 * time.Minute
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		left, last, hangUps, large := float64(allowed), time.Now(), 0, 0
		w.set(func(m message) ([]byte, bool) {
			if !m.isTo(accepted.engine.uplinks[0].topic) {
				return m.payload, true
			}
			left = min(left+allowed*m.at.Sub(last).Seconds(), allowed)
			last = m.at
			if left < 1 {
				left = allowed
				hangUps++
				w.hangUp(dialed.engine)
				return nil, false
			}
			left--
			if len(m.payload) > dialed.engine.config.MaxMessageSize/2 {
				large++
			}
			return m.payload, true
		})
		go io.Copy(writerOf{dialed}, endless{})
		go io.Copy(io.Discard, readerOf{accepted})
		time.Sleep(length)
		w.set(nil)
		if want := 0.7 * allowed * length.Seconds(); hangUps > 12 || float64(large) < want {
			t.Errorf("%d hang-ups in %v, and %d large messages, want at most 12, and %v or more", hangUps, length, large, want)
		}
		dialed.Abort()
		accepted.Abort()
	})
}

// TestMessagesAreLargeUnderAnAllowance, also on a path that looks slow.
func TestMessagesAreLargeUnderAnAllowance(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		dialed.engine.uplinks[0].allowance.begin(1, 1<<30, time.Now())
		go io.Copy(writerOf{dialed}, endless{})
		go io.Copy(io.Discard, readerOf{accepted})
		time.Sleep(5 * time.Second)
		w.record()
		time.Sleep(5 * time.Second)
		sent, small := 0, 0
		for _, m := range w.recorded() {
			if m.isTo(accepted.engine.uplinks[0].topic) {
				if sent++; len(m.payload) < dialed.engine.config.MaxMessageSize*9/10 {
					small++
				}
			}
		}
		if sent < 50 || sent > 300 || small > sent/10 { // it grows
			t.Errorf("%d messages in 5 s, of which %d are small", sent, small)
		}
		dialed.Abort()
		accepted.Abort()
	})
}

// endless is something to transfer.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
