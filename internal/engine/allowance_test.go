package engine

import (
	"io"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// aService stands for a broker that hangs up on who publishes more than allowed a second, of messages or bytes. A
// second's worth may go at once.
type aService struct {
	*allowance
	now     time.Time
	allowed float64
	bytes   bool // are counted
	line    int  // messages a second that the link carries

	left    float64
	hangUps int
	passed  int // bytes
}

const (
	serviceMessage = 32 << 10 // bytes at most
	servicePause   = 60 * time.Millisecond
)

func newService(allowed float64, bytes bool, line int) *aService {
	return &aService{allowance: new(allowance), now: time.Unix(1e9, 0), allowed: allowed, bytes: bytes, line: line, left: allowed}
}

// transfer sends as much as may go for a time, in messages of 4 KiB while nothing bounds them.
func (s *aService) transfer(d time.Duration) {
	const step = time.Millisecond
	due := 0.0
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(step) {
		s.left = min(s.left+s.allowed*step.Seconds(), s.allowed)
		for due += float64(s.line) * step.Seconds(); due >= 1 && s.wait(s.now) == 0; due-- {
			if !s.publish() {
				break
			}
		}
		due = min(due, 1)
	}
}

func (s *aService) publish() bool {
	size, cost := 4<<10, 1.0
	if s.on.Load() {
		size = serviceMessage
	}
	if s.bytes {
		cost = float64(size)
	}
	s.sent(size)
	if s.left < cost {
		s.cut(servicePause)
		s.left = s.allowed
		return false
	}
	s.left -= cost
	s.arrived(1, size, s.now)
	s.passed += size
	return true
}

// cut ends the connection; the next one is up after pause.
func (s *aService) cut(pause time.Duration) (suspected, known bool) {
	s.hangUps++
	ended := s.now
	s.now = s.now.Add(pause)
	return s.hungUp(ended, s.now)
}

// Whatever is counted, the broker hangs up twice in the first minute, and then ever less often.
func TestAllowanceIsFound(t *testing.T) {
	for name, s := range map[string]*aService{
		"messages":            newService(100, false, 1000),
		"few messages":        newService(40, false, 1000),
		"bytes":               newService(512<<10, true, 1000),
		"bytes on a slow way": newService(512<<10, true, 200),
	} {
		s.transfer(time.Minute)
		if s.hangUps != 2 {
			t.Errorf("%s: %d hang-ups in the first minute", name, s.hangUps)
		}
		s.passed = 0
		s.transfer(9 * time.Minute)
		allowed := s.allowed
		if !s.bytes {
			allowed *= serviceMessage
		}
		if share := float64(s.passed) / allowed / (9 * time.Minute).Seconds(); share < 0.8 || s.hangUps > 5 {
			t.Errorf("%s: %.2f of the allowance in 9 minutes, %d hang-ups in 10", name, share, s.hangUps)
		}
	}
}

func TestNothingIsSuspected(t *testing.T) {
	for name, cut := range map[string]func(s *aService) (suspected, known bool){
		"little arrived": func(s *aService) (bool, bool) { s.line = 25; s.transfer(time.Second); return s.cut(0) },
		"a restart":      func(s *aService) (bool, bool) { s.transfer(time.Second); return s.cut(meterPeriod) },
		"the transfer was over": func(s *aService) (bool, bool) {
			s.transfer(time.Second)
			s.now = s.now.Add(2 * meterPeriod)
			return s.cut(0)
		},
	} {
		s := newService(1e9, false, 1000)
		for range 3 {
			if suspected, known := cut(s); suspected || known || s.on.Load() {
				t.Errorf("%s: suspected", name)
			}
		}
	}
}

// A connection that was cut once, for another reason, costs little for a moment, and nothing soon.
func TestOneCutCostsLittle(t *testing.T) {
	for _, before := range []time.Duration{500 * time.Millisecond, 2 * time.Second, time.Minute} {
		s := newService(1e9, false, 200)
		s.transfer(before)
		if suspected, known := s.cut(0); !suspected || known {
			t.Fatalf("cut after %v: suspected %v, known %v", before, suspected, known)
		}
		s.transfer(20 * time.Second)
		s.passed = 0
		s.transfer(10 * time.Second)
		if sent := s.passed / serviceMessage; sent < 1990 {
			t.Errorf("cut after %v: 20 s later %d messages go in 10 s, of 2000", before, sent)
		}
		if s.transfer(unusedLife + time.Second); s.on.Load() {
			t.Errorf("cut after %v: it is bounded a minute later", before)
		}
	}
}

// What is cut although the bound does not grow is cut by something else.
func TestAllowanceGivesUp(t *testing.T) {
	s := newService(100, false, 1000)
	s.transfer(30 * time.Second)
	if _, known := s.cut(0); known || s.on.Load() || s.hangUps != 3 {
		t.Fatalf("%d hang-ups, and bounded: %v", s.hangUps, s.on.Load())
	}
	for range 10 {
		s.allowed = 1e9
		s.transfer(time.Second)
		if suspected, _ := s.cut(0); suspected {
			t.Error("suspected at once")
		}
	}
	s.now = s.now.Add(vainLife)
	s.transfer(time.Second)
	if suspected, _ := s.cut(0); !suspected {
		t.Error("not suspected later")
	}
}

// An allowance that was found stays for its time although nothing is sent, and no longer.
func TestAllowanceEnds(t *testing.T) {
	s := newService(100, false, 1000)
	s.transfer(30 * time.Second)
	for _, want := range []bool{true, false} {
		if s.wait(s.now); s.on.Load() != want {
			t.Errorf("bounded: %v, want %v", !want, want)
		}
		s.now = s.now.Add(allowanceLife + unusedLife)
	}
}

// What went before the allowance began is no debt, and ACKs make data wait a second at most.
func TestAllowanceBeginsWithoutDebt(t *testing.T) {
	s := newService(100, false, 1000)
	s.transfer(10 * time.Second)
	for range 10_000 {
		s.sent(1000)
	}
	if wait := s.wait(s.now); wait > meterPeriod+time.Millisecond {
		t.Errorf("data waits %v", wait)
	}
	s.now = s.now.Add(2 * time.Second)
	if wait := s.wait(s.now); wait > 0 {
		t.Errorf("data waits %v two seconds later", wait)
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
		if want := 0.7 * allowed * length.Seconds(); hangUps > 4 || float64(large) < want {
			t.Errorf("%d hang-ups in %v, and %d large messages, want at most 4, and %v or more", hangUps, length, large, want)
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
		dialed.engine.uplinks[0].allowance.begin(10, 1<<30, time.Now())
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
		if sent < 50 || sent > 300 || small > 0 { // it grows
			t.Errorf("%d messages in 5 s, of which %d are small", sent, small)
		}
		dialed.Abort()
		accepted.Abort()
	})
}

// endless is something to transfer.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
