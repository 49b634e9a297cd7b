package engine

import (
	"sync"
	"time"
)

const (
	// meterPeriod is how long what arrives is added up: services count by the second.
	meterPeriod = time.Second
	// hangUpPause is within which time the next connection is up after a broker
	// hung up on purpose; one that restarts takes longer.
	hangUpPause = 500 * time.Millisecond
	// leastSuspect is the least that has to arrive in a period for its rate to be
	// suspected, bytes: a broker that hangs up on little has other reasons.
	leastSuspect = 128 << 10
	// allowanceShare is the part of the suspected rate that is kept to.
	allowanceShare = 0.95
	// allowanceLife is how long it is kept to, before more is tried: at most one
	// hang-up a minute is spent on that.
	allowanceLife = time.Minute
	// allowanceGrowth is by how much it grows a second after that.
	allowanceGrowth = 1.05
	// allowanceEnd times the allowance without a hang-up ends it.
	allowanceEnd = 4
	// maxSuspicions more in a row, in spite of that, clear the rate of suspicion for
	// clearLife: something else cuts connections.
	maxSuspicions = 3
	clearLife     = 10 * time.Minute
	// mostDebt is how long data waits at most because more went than was allowed,
	// as ACKs may.
	mostDebt = time.Second
	// allowanceBurst is how much may go at once, as time.
	allowanceBurst = 20 * time.Millisecond
)

// An allowance bounds what an Engine publishes, because its broker seems to hang
// up on clients that publish more: so services enforce their quotas, AWS IoT Core
// for one, and reconnecting at once to send as much again gets every client of an
// account into trouble. It is safe for concurrent use.
type allowance struct {
	mu                sync.Mutex // guards all below
	start             time.Time  // of the period that is added up
	current, previous int        // bytes that peers acknowledged in this period and in the last

	rate       float64   // bytes a second; 0: not bounded
	since      time.Time // when it was last lowered
	suspicions int       // hang-ups in a row that came although it was kept to
	clearUntil time.Time

	left   float64 // bytes that may go now; negative: too much went
	leftAt time.Time
}

// arrived takes note of bytes that a peer acknowledged.
func (a *allowance) arrived(n int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.start) >= meterPeriod {
		a.previous = a.current
		if now.Sub(a.start) >= 2*meterPeriod {
			a.previous = 0
		}
		a.current, a.start = 0, now
	}
	a.current += n
}

// hungUp takes note that the connection ended at a time and another one could be
// made at once, as where a broker hangs up on purpose. It reports whether the rate
// is bounded because of that.
func (a *allowance) hungUp(ended, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	arrived := max(a.current, a.previous)
	if ended.Sub(a.start) >= 2*meterPeriod || now.Sub(ended) > hangUpPause {
		arrived = 0
	}
	a.current, a.previous = 0, 0
	if arrived < leastSuspect || now.Before(a.clearUntil) {
		return false
	}
	rate := allowanceShare * float64(arrived) / meterPeriod.Seconds()
	if a.rate > 0 && now.Sub(a.since) < allowanceLife {
		a.suspicions++
	} else {
		a.suspicions = 0
	}
	if a.suspicions >= maxSuspicions {
		a.end()
		a.clearUntil = now.Add(clearLife)
		return false
	}
	a.rate, a.since, a.left, a.leftAt = rate, now, 0, now
	return true
}

// wait is how long data must wait; zero: it may go. It lets the rate grow.
func (a *allowance) wait(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rate == 0 {
		return 0
	}
	rate := a.now(now)
	if rate >= allowanceEnd*a.rate {
		a.end()
		return 0
	}
	a.left = min(a.left+rate*now.Sub(a.leftAt).Seconds(), rate*allowanceBurst.Seconds())
	a.leftAt = now
	if a.left > 0 {
		return 0
	}
	return max(time.Duration(-a.left/rate*float64(time.Second)), time.Millisecond)
}

// now is the rate now.
func (a *allowance) now(now time.Time) float64 {
	rate := a.rate
	for older := now.Sub(a.since) - allowanceLife; older > 0 && rate < allowanceEnd*a.rate; older -= time.Second {
		rate *= allowanceGrowth
	}
	return rate
}

// sent takes note of bytes that went.
func (a *allowance) sent(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rate > 0 {
		a.left = max(a.left-float64(n), -a.rate*mostDebt.Seconds())
	}
}

func (a *allowance) end() { a.rate, a.suspicions, a.left = 0, 0, 0 }
