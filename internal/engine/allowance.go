package engine

import (
	"sync"
	"time"
)

const (
	// meterPeriod is how much a service lets through at once, as time; how long before
	// a hang-up that is suspected nothing may have arrived; and within which time the
	// next connection is up after it: one that restarts takes longer.
	meterPeriod = time.Second
	// leastSuspect is the least that has to arrive on a connection for its rate to
	// be suspected, bytes: a broker that hangs up on little has other reasons.
	leastSuspect = 128 << 10
	// maxAlike connections in a row that ended at the same rate, but for alikeShare,
	// are suspected: chance does not do that.
	maxAlike   = 3
	alikeShare = 1.5
	// allowanceShare is the part of the suspected rate that is kept to.
	allowanceShare = 0.95
	// allowanceLife is how long it is kept to, before more is tried: at most one
	// hang-up a minute is spent on that.
	allowanceLife = time.Minute
	// vainLife is how long nothing is suspected, in allowanceLifes, after a hang-up that
	// came although the rate was kept to: something else cuts connections.
	vainLife = 10
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

	alike int     // connections in a row that ended at about the same rate
	last  float64 // that rate, bytes a second

	until     time.Time // what is published is bounded by a part of last until then
	vainUntil time.Time // nothing is suspected until then

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
	case arrived < leastSuspect || ended.Sub(a.at) > meterPeriod || now.Sub(ended) >= meterPeriod || now.Before(a.vainUntil):
		a.alike = 0
	case now.Before(a.until): // what is kept to does not help
		a.alike, a.until, a.vainUntil = 0, now, now.Add(vainLife*allowanceLife)
	default:
		a.suspect(float64(arrived) / (lasted + meterPeriod).Seconds())
		if a.alike >= maxAlike {
			a.until, a.left, a.leftAt = now.Add(allowanceLife), 0, now
			return true
		}
	}
	return false
}

// suspect counts connections in a row that ended at about the same rate. A try for
// more, which lasts a moment at a higher rate, is no other one.
func (a *allowance) suspect(rate float64) {
	tried := a.alike >= maxAlike && rate > a.last
	if !tried && max(rate, a.last) > alikeShare*min(rate, a.last) {
		a.alike = 0
	}
	if !tried {
		a.last = rate
	}
	a.alike++
}

// wait is how long data must wait; zero: it may go.
func (a *allowance) wait(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !now.Before(a.until) {
		return 0
	}
	rate := allowanceShare * a.last
	a.left = min(a.left+rate*now.Sub(a.leftAt).Seconds(), rate*allowanceBurst.Seconds())
	a.leftAt = now
	if a.left > 0 {
		return 0
	}
	return max(time.Duration(-a.left/rate*float64(time.Second)), time.Millisecond)
}

// sent takes note of bytes that went. ACKs, which nobody holds back, make data wait a
// second at most.
func (a *allowance) sent(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = max(a.left-float64(n), -allowanceShare*a.last*meterPeriod.Seconds())
}
