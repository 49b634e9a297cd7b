package engine

import (
	"testing"
	"time"
)

// aService stands for a broker that hangs up on who sends more than allowed bytes a second.
type aService struct {
	*allowance
	now time.Time
}

func newService() *aService { return &aService{new(allowance), time.Unix(1e9, 0)} }

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
	ended := s.now
	s.now = s.now.Add(pause)
	return s.hungUp(ended, s.now)
}

func TestAllowanceIsKeptTo(t *testing.T) {
	s := newService()
	s.transfer(3*time.Second, 1_000_000)
	if s.rate != 0 {
		t.Fatal("bounded without a reason")
	}
	if !s.hangUp(60 * time.Millisecond) {
		t.Fatal("a hang-up in a transfer is not suspected")
	}
	if total := s.transfer(50*time.Second, 1_000_000); total < 46_500_000 || total > 48_500_000 {
		t.Errorf("%d bytes went in 50 s, want 0.95 of 1 MB a second", total)
	}
	s.transfer(10*time.Second, 1_000_000)
	if total := s.transfer(time.Second, 10_000_000); total < 950_000 || total > 1_050_000 {
		t.Errorf("%d bytes went in the first second after a minute", total)
	}
	s.transfer(40*time.Second, 10_000_000)
	if s.rate != 0 {
		t.Errorf("still bounded at %v of %v bytes a second, though nothing happened", s.allowance.now(s.now), s.rate)
	}
}

func TestAllowanceSuspectsOnlyHangUpsInATransfer(t *testing.T) {
	for name, prepare := range map[string]func(s *aService) bool{
		"little arrived": func(s *aService) bool { s.transfer(3*time.Second, 100_000); return s.hangUp(60 * time.Millisecond) },
		"a restart":      func(s *aService) bool { s.transfer(3*time.Second, 1_000_000); return s.hangUp(time.Second) },
		"the transfer was over": func(s *aService) bool {
			s.transfer(3*time.Second, 1_000_000)
			s.now = s.now.Add(3 * time.Second)
			return s.hangUp(0)
		},
	} {
		if s := newService(); prepare(s) || s.rate != 0 {
			t.Errorf("%s: bounded at %v", name, s.rate)
		}
	}
}

// Connections that are cut whatever is sent do not lower the rate for long.
func TestAllowanceGivesUp(t *testing.T) {
	s := newService()
	for n := range 8 {
		s.transfer(15*time.Second, 1_000_000)
		if bounded := s.hangUp(60 * time.Millisecond); bounded != (n < maxSuspicions) {
			t.Errorf("hang-up %d: bounded %v", n, bounded)
		}
	}
	if total := s.transfer(10*time.Second, 1_000_000); total < 9_900_000 {
		t.Errorf("%d bytes went in 10 s", total)
	}
	s.transfer(clearLife, 200_000)
	s.transfer(time.Second, 1_000_000)
	if !s.hangUp(0) {
		t.Error("cleared for ever")
	}
}

// What went before the allowance began is no debt.
func TestAllowanceBeginsWithoutDebt(t *testing.T) {
	s := newService()
	for range 2 {
		s.transfer(10*time.Second, 20_000_000)
		s.hangUp(60 * time.Millisecond)
		if total := s.transfer(2*time.Second, 20_000_000); total < 20_000_000 {
			t.Fatalf("%d bytes went in the first two seconds", total)
		}
		s.sent(1_000_000_000) // of ACKs, which nobody holds back
		if wait := s.wait(s.now); wait > mostDebt+time.Millisecond {
			t.Errorf("data waits %v", wait)
		}
		s.transfer(5*time.Minute, 20_000_000)
	}
}
