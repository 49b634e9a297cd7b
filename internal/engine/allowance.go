package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// meterPeriod is how much a service lets through at once, as time; and how long
	// before a hang-up that is suspected nothing may have arrived, or been held back.
	meterPeriod = time.Second
	// awayTime is within what time the next connection is up after one: a broker that
	// restarts takes longer, as a rule.
	awayTime = time.Second
	// leastSuspect is the lowest rate that is suspected, bytes a second, eight packets of
	// the first size: a broker that hangs up on less has other reasons.
	leastSuspect = 32 << 10
	// allowanceGrowth is how fast a bound grows, a second, while data waits for it, until
	// the broker hangs up again. It takes the bound to 2.2 times the rate until what is let
	// through at once is used up, of which allowanceShare is 0.87.
	allowanceGrowth = 0.4
	allowanceShare  = 0.4
	// allowanceLife is for how long no bound grows after that, for the first time; twice
	// as long each further time, up to maxAllowanceLife.
	allowanceLife    = time.Minute
	maxAllowanceLife = 16 * time.Minute
	// maxLowered times a bound is lowered again, if the broker hangs up although it does
	// not grow, since more may be let through at once; then something else cuts
	// connections, and for vainLife nothing is suspected.
	maxLowered = 4
	vainLife   = 10 * time.Minute
	// unusedLife is how long bounds stay that hold nothing back.
	unusedLife = time.Minute
	// allowanceBurst is how much may go at once, as time.
	allowanceBurst = 20 * time.Millisecond
)

// An allowance bounds the data that an Engine publishes over a link, because its broker
// seems to hang up on clients that publish more: so services enforce their quotas, and
// reconnecting at once to send as much again gets every client of an account into
// trouble. Whether they count messages or bytes does not show, so both are bounded, by what
// the peers got, and the bound that holds data back grows until the broker hangs up again.
// It is safe for concurrent use.
type allowance struct {
	mu sync.Mutex // guards all below but on

	gotMessages, gotBytes int       // that peers acknowledged in this transfer and connection
	since, at             time.Time // when they first did, and last
	ended                 hangUp    // how the last connection ended

	messages, bytes bound
	counted         time.Time     // when was last counted what may go
	held            time.Time     // no bound grows before then
	life            time.Duration // for how long none last did
	lowered         int           // how often bounds were lowered in that time
	vain            time.Time     // nothing is suspected before then

	on atomic.Bool // whether there are bounds, for who has no time for mu
}

// A hangUp is what is known of a broker's hanging up in a transfer.
type hangUp struct {
	at              time.Time // zero: it did not
	messages, bytes float64   // that had arrived, a second
}

// A bound is a token bucket.
type bound struct {
	rate float64   // a second
	left float64   // what may go now; negative: too much went
	used time.Time // when it last held data back, or was set
}

func (b *bound) set(rate float64, now time.Time) { *b = bound{rate: max(rate, 1), used: now} }

func (b *bound) refill(d time.Duration) {
	b.left = min(b.left+b.rate*d.Seconds(), b.rate*allowanceBurst.Seconds())
}

// wait is how long data must wait; zero: it may go.
func (b *bound) wait() time.Duration {
	if b.left > 0 {
		return 0
	}
	return max(time.Duration(-b.left/b.rate*float64(time.Second)), time.Millisecond)
}

// use takes note that data waits, for this bound perhaps.
func (b *bound) use(now time.Time, grows bool) {
	if b.left > 0 {
		return
	}
	if waited := now.Sub(b.used); grows && waited < meterPeriod {
		b.rate += b.rate * allowanceGrowth * waited.Seconds()
	}
	b.used = now
}

// lower lowers the bound if it held data back when the broker hung up, and reports whether it did.
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

// down takes note that a connection ended, and of whether the broker hung up.
func (a *allowance) down(now time.Time, hungUp bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	took := (now.Sub(a.since) + meterPeriod).Seconds()
	messages, bytes := float64(a.gotMessages)/took, float64(a.gotBytes)/took
	a.gotMessages, a.gotBytes, a.ended = 0, 0, hangUp{}
	if hungUp && bytes >= leastSuspect && now.Sub(a.at) <= meterPeriod {
		a.ended = hangUp{now, messages, bytes}
	}
}

// up takes note that the next one is made. It reports whether a bound is suspected, and
// whether it is known by now, so that it does not grow for a while.
func (a *allowance) up(now time.Time) (suspected, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	end := a.ended
	switch {
	case end.at.IsZero() || now.Sub(end.at) > awayTime || now.Before(a.vain):
		return false, false
	case !a.on.Load():
		a.begin(end.messages, end.bytes, now)
		return true, false
	case end.at.After(a.held):
		a.life = min(max(2*a.life, allowanceLife), maxAllowanceLife)
		a.held, a.lowered = now.Add(a.life), 0
	case a.lowered == maxLowered:
		a.on.Store(false)
		a.vain = now.Add(vainLife)
		return false, false
	default:
		a.lowered++
	}
	a.lower(now)
	return true, true
}

func (a *allowance) begin(messages, bytes float64, now time.Time) {
	a.set(messages, bytes, now)
	a.held, a.life = time.Time{}, 0
	a.on.Store(true)
}

func (a *allowance) set(messages, bytes float64, now time.Time) {
	a.messages.set(messages, now)
	a.bytes.set(bytes, now)
	a.counted = now
}

// lower lowers the bound that held data back when the broker hung up; if none did, both, to what had arrived.
func (a *allowance) lower(now time.Time) {
	messages, bytes := a.messages.lower(a.ended.at, now), a.bytes.lower(a.ended.at, now)
	if !messages && !bytes {
		a.set(a.ended.messages, a.ended.bytes, now)
	}
	a.counted = now
}

// wait is how long data must wait; zero: it may go.
func (a *allowance) wait(now time.Time) time.Duration {
	if !a.on.Load() {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.After(a.held) && now.Sub(a.messages.used) > unusedLife && now.Sub(a.bytes.used) > unusedLife {
		a.on.Store(false)
		return 0
	}
	a.messages.refill(now.Sub(a.counted))
	a.bytes.refill(now.Sub(a.counted))
	a.counted = now
	return max(a.messages.wait(), a.bytes.wait())
}

// holdsBack takes note that data waits for it.
func (a *allowance) holdsBack(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	grows := now.After(a.held)
	a.messages.use(now, grows)
	a.bytes.use(now, grows)
}

// sent takes note of a message that it let go, and its bytes. What goes while data waits,
// as ACKs do, is not counted: it would leave nothing for data.
func (a *allowance) sent(bytes int) {
	if !a.on.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages.left--
	a.bytes.left -= float64(bytes)
}
