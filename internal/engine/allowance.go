package engine

import (
	"sync"
	"time"
)

const (
	// meterPeriod is how much a service lets through at once, as time, and for how
	// long nothing may have arrived before a hang-up that is suspected.
	meterPeriod = time.Second
	// hangUpPause is within which time the next connection is up after a broker
	// hung up on purpose; one that restarts takes longer.
	hangUpPause = 500 * time.Millisecond
	// leastSuspect is the least that has to arrive on a connection for its rate to
	// be suspected, bytes: a broker that hangs up on little has other reasons.
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
	// maxAlike connections in a row that lasted no longer than shortConnection, and
	// ended at the same rate but for alikeShare, are suspected.
	maxAlike        = 3
	shortConnection = 5 * time.Second
	alikeShare      = 1.5
	// clearLife is how long nothing is suspected after a hang-up that came although
	// the rate was kept to: something else cuts connections.
	clearLife = 10 * time.Minute
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
	mu    sync.Mutex // guards all below
	total int        // bytes that peers acknowledged on this connection
	at    time.Time  // when they last did

	alike int     // short connections in a row that ended at about the same rate
	last  float64 // that rate, bytes a second

	rate       float64   // bytes a second; 0: not bounded
	since      time.Time // when it was last lowered
	clearUntil time.Time // nothing is suspected until then

	left   float64 // bytes that may go now; negative: too much went
	leftAt time.Time
}

// arrived takes note of bytes that a peer acknowledged.
func (a *allowance) arrived(n int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total += n
	a.at = now
}

// hungUp takes note that a connection that came up at a time ended at another, and
// that the next one could be made at once, as where a broker hangs up on purpose.
// It reports whether the rate is bounded from now on because of that.
func (a *allowance) hungUp(up, ended, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	arrived, lasted := a.total, ended.Sub(up)
	a.total = 0
	switch {
	case arrived < leastSuspect || ended.Sub(a.at) > meterPeriod || now.Sub(ended) > hangUpPause || now.Before(a.clearUntil):
		a.alike = 0
	case a.rate > 0 && now.Sub(a.since) < allowanceLife:
		a.end() // what is kept to does not help
		a.clearUntil = now.Add(clearLife)
	case a.rate > 0: // a try for more failed
		a.since = now
		return true
	case a.suspect(float64(arrived)/(lasted+meterPeriod).Seconds(), lasted):
		a.rate, a.since, a.left, a.leftAt = allowanceShare*a.last, now, 0, now
		return true
	}
	return false
}

// suspect reports whether so many short connections in a row ended at about the
// same rate, which chance does not do.
func (a *allowance) suspect(rate float64, lasted time.Duration) bool {
	if lasted > shortConnection || max(rate, a.last) > alikeShare*min(rate, a.last) {
		a.alike = 0
	}
	a.alike++
	a.last = rate
	return a.alike >= maxAlike
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

func (a *allowance) end() { a.rate, a.alike, a.last = 0, 0, 0 }
