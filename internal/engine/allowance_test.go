package engine

import (
	"testing"
	"time"
)

// aService stands for a broker that hangs up on who sends more than allowed bytes a second.
type aService struct {
	*allowance
	up, now time.Time
}

func newService() *aService {
	now := time.Unix(1e9, 0)
	return &aService{new(allowance), now, now}
}

// transfer sends as much as may go for a time, at most rate bytes a second, of which all arrives, and returns how much that was.
func (s *aService) transfer(d time.Duration, rate int) (total int) {
	const step = 10 * time.Millisecond
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(step) {
		for n := 0; n < rate/100 && s.wait(s.now) == 0; n += 1000 {
			s.sent(1000)
			s.arrived(1000, s.now)
			total += 1000
		}
	}
	return total
}

// hangUp ends the connection; the next one is up after pause.
func (s *aService) hangUp(pause time.Duration) bool {
	up, ended := s.up, s.now
	s.now = s.now.Add(pause)
	s.up = s.now
	return s.hungUp(up, ended, s.now)
}

// enforce hangs up again and again after as much, until that is suspected.
func (s *aService) enforce(t *testing.T, rate int) {
	t.Helper()
	for n := 1; ; n++ {
		s.transfer(time.Second, 2*rate) // of which half is what a service lets through at once
		if bounded := s.hangUp(60 * time.Millisecond); bounded != (n == maxAlike) {
			t.Fatalf("after %d hang-ups: bounded %v", n, bounded)
		}
		if n == maxAlike {
			return
		}
	}
}

func TestAllowanceIsKeptTo(t *testing.T) {
	s := newService()
	s.enforce(t, 1_000_000)
	if total := s.transfer(50*time.Second, 1_000_000); total < 46_500_000 || total > 48_500_000 {
		t.Errorf("%d bytes went in 50 s, want 0.95 of 1 MB a second", total)
	}
	s.transfer(10*time.Second, 1_000_000)
	if total := s.transfer(time.Second, 10_000_000); total < 9_900_000 {
		t.Errorf("%d bytes went in the first second after a minute", total)
	}
}

func TestAllowanceSuspectsOnlyWhatIsAlike(t *testing.T) {
	for name, cut := range map[string]func(s *aService, n int) bool{
		"little arrived": func(s *aService, _ int) bool { s.transfer(time.Second, 100_000); return s.hangUp(0) },
		"restarts":       func(s *aService, _ int) bool { s.transfer(time.Second, 1_000_000); return s.hangUp(time.Second) },
		"the transfer was over": func(s *aService, _ int) bool {
			s.transfer(time.Second, 1_000_000)
			s.now = s.now.Add(3 * time.Second)
			return s.hangUp(0)
		},
		"after more or less": func(s *aService, n int) bool { s.transfer(time.Second, 1_000_000+n%2*1_200_000); return s.hangUp(0) },
	} {
		s := newService()
		for n := range 3 * maxAlike {
			if cut(s, n) || s.now.Before(s.until) {
				t.Errorf("%s: bounded at %v", name, s.last)
			}
		}
	}
}

// Connections that are cut whatever is sent do not lower the rate for long.
func TestAllowanceGivesUp(t *testing.T) {
	s := newService()
	s.enforce(t, 1_000_000)
	for range 8 {
		s.transfer(time.Second, 1_000_000)
		if s.hangUp(60 * time.Millisecond) {
			t.Error("bounded again although that did not help")
		}
	}
	if total := s.transfer(10*time.Second, 1_000_000); total < 9_900_000 {
		t.Errorf("%d bytes went in 10 s", total)
	}
	s.transfer(vainLife*allowanceLife, 200_000)
	s.hangUp(0)
	s.enforce(t, 1_000_000)
}

// A try for more that fails bounds the rate at once.
func TestAllowanceTriesForMore(t *testing.T) {
	s := newService()
	s.enforce(t, 1_000_000)
	s.transfer(allowanceLife+time.Second, 2_000_000)
	if !s.hangUp(0) {
		t.Error("not bounded")
	}
}

// What went before the allowance began is no debt.
func TestAllowanceBeginsWithoutDebt(t *testing.T) {
	s := newService()
	for range 2 {
		s.enforce(t, 20_000_000)
		if total := s.transfer(2*time.Second, 20_000_000); total < 20_000_000 {
			t.Fatalf("%d bytes went in the first two seconds", total)
		}
		s.sent(1_000_000_000) // of ACKs, which nobody holds back
		if wait := s.wait(s.now); wait > meterPeriod+time.Millisecond {
			t.Errorf("data waits %v", wait)
		}
		s.transfer(5*time.Minute, 20_000_000)
		s.hangUp(time.Second)
	}
}
