package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// meterPeriod is how much a service lets through at once, as time; how long before
	// a hang-up that is suspected nothing may have arrived, or been held back; and within
	// which time the next connection is up after it: one that restarts takes longer.
	meterPeriod = time.Second
	// leastSuspect is the lowest rate that is suspected, bytes a second: a broker that
	// hangs up on little has other reasons.
	leastSuspect = 128 << 10
	// allowanceGrowth is by how much a bound grows in a second in which data waits for
	// it, until the broker hangs up again. It takes the bound to 1.7 times the rate until
	// a second's worth is used up, of which allowanceShare is 0.85.
	allowanceGrowth = 0.2
	allowanceShare  = 0.5
	// allowanceLife is for how long no bound grows after that, for the first time; twice
	// as long each further time, up to maxAllowanceLife.
	allowanceLife    = time.Minute
	maxAllowanceLife = 16 * time.Minute
	// unusedLife is how long bounds stay for which nothing waits.
	unusedLife = time.Minute
	// vainLife is how long nothing is suspected after a hang-up that came although no
	// bound grew: something else cuts connections.
	vainLife = 10 * time.Minute
	// allowanceBurst is how much may go at once, as time.
	allowanceBurst = 20 * time.Millisecond
)

// An allowance bounds what an Engine publishes over a link, because its broker seems to
// hang up on clients that publish more: so services enforce their quotas, and
// reconnecting at once to send as much again gets every client of an account into
// trouble. Whether they count messages or bytes does not show, so both are bounded, by what
// the peers got, and the bound that holds data back grows until the broker hangs up again.
// It is safe for concurrent use.
type allowance struct {
	mu sync.Mutex // guards all below but on

	gotMessages, gotBytes int       // that peers acknowledged in this transfer and connection
	since, at             time.Time // when they first did, and last

	messages, bytes bound
	taken           time.Time     // when was counted what may go
	held            time.Time     // no bound grows before then
	life            time.Duration // for how long none last did
	vain            time.Time     // nothing is suspected before then

	on atomic.Bool // whether there are bounds, for who has no time for mu
}

// A bound is a token bucket.
type bound struct {
	rate float64   // a second
	left float64   // what may go now; negative: too much went
	used time.Time // when data last had to wait for it, or it was set
}

func (b *bound) set(rate float64, now time.Time) { *b = bound{rate: max(rate, 1), used: now} }

func (b *bound) refill(d time.Duration) {
	b.left = min(b.left+b.rate*d.Seconds(), b.rate*allowanceBurst.Seconds())
}

// take counts what went. What nobody holds back makes data wait a second at most.
func (b *bound) take(n int) { b.left = max(b.left-float64(n), -b.rate*meterPeriod.Seconds()) }

// wait is how long data must wait; zero: it may go.
func (b *bound) wait(now time.Time, grows bool) time.Duration {
	if b.left > 0 {
		return 0
	}
	if waited := now.Sub(b.used); grows && waited < meterPeriod {
		b.rate += b.rate * allowanceGrowth * waited.Seconds()
	}
	b.used = now
	return max(time.Duration(-b.left/b.rate*float64(time.Second)), time.Millisecond)
}

// lower lowers a bound that held data back when the broker hung up, and reports whether it did.
func (b *bound) lower(ended, now time.Time) (did bool) {
	if ended.Sub(b.used) > meterPeriod {
		return false
	}
	b.set(allowanceShare*b.rate, now)
	return true
}

// arrived takes note of packets that a peer acknowledged, and their bytes.
func (a *allowance) arrived(packets, bytes int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gotMessages == 0 || now.Sub(a.at) > meterPeriod {
		a.gotMessages, a.gotBytes, a.since = 0, 0, now
	}
	a.gotMessages += packets
	a.gotBytes += bytes
	a.at = now
}

// hungUp takes note that a connection ended, and that the next one is up now: at once,
// where a broker hangs up on purpose. It reports whether the rate is suspected, and
// whether it is known by now, so that no bound grows for a while.
func (a *allowance) hungUp(ended, now time.Time) (suspected, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	took := (ended.Sub(a.since) + meterPeriod).Seconds()
	messages, bytes := float64(a.gotMessages)/took, float64(a.gotBytes)/took
	a.gotMessages, a.gotBytes = 0, 0
	switch {
	case bytes < leastSuspect || ended.Sub(a.at) > meterPeriod || now.Sub(ended) >= meterPeriod || now.Before(a.vain):
		return false, false
	case a.on.Load() && now.Before(a.held):
		a.on.Store(false)
		a.vain = now.Add(vainLife)
		return false, false
	case a.on.Load() && a.lower(ended, now):
		a.life = min(max(2*a.life, allowanceLife), maxAllowanceLife)
		a.held = now.Add(a.life)
		return true, true
	}
	a.begin(messages, bytes, now)
	return true, false
}

func (a *allowance) begin(messages, bytes float64, now time.Time) {
	a.messages.set(messages, now)
	a.bytes.set(bytes, now)
	a.taken = now
	a.on.Store(true)
}

func (a *allowance) lower(ended, now time.Time) bool {
	messages, bytes := a.messages.lower(ended, now), a.bytes.lower(ended, now)
	return messages || bytes
}

// wait is how long data must wait; zero: it may go.
func (a *allowance) wait(now time.Time) time.Duration {
	if !a.on.Load() {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if grows := now.After(a.held); !grows || now.Sub(a.messages.used) <= unusedLife || now.Sub(a.bytes.used) <= unusedLife {
		a.messages.refill(now.Sub(a.taken))
		a.bytes.refill(now.Sub(a.taken))
		a.taken = now
		return max(a.messages.wait(now, grows), a.bytes.wait(now, grows))
	}
	a.on.Store(false)
	return 0
}

// sent takes note of a message that went, and its bytes.
func (a *allowance) sent(bytes int) {
	if !a.on.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages.take(1)
	a.bytes.take(bytes)
}
