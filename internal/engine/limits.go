package engine

import (
	"crypto/sha256"
	"math"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

const (
	// unwantedRate bounds the answers of each kind to hellos that get no Conn,
	// a second.
	unwantedRate = 20
	// answerRate bounds the answers of each other kind, a second, and
	// answerBurst those at once: after a restart hundreds of Conns may ask.
	answerRate  = 50
	answerBurst = 500
	// checkPause is the least time between two answers to the same CHECK, which
	// comes again after three seconds at the earliest.
	checkPause = time.Second
	// answered is how many messages of a kind are remembered: more than an
	// attacker is likely to have recorded of it, in a few hundred kilobytes.
	answered = 4096
	// once is the time between two answers to the same message that deserves
	// no second one.
	once = time.Duration(math.MaxInt64)
)

// limits remember what was answered, so that a recorded message costs little when it is
// replayed.
type limits struct{ hellos, probes, checks *handshake.ReplayCache }

func newLimits() limits {
	return limits{
		hellos: handshake.NewReplayCache(once, answered),
		probes: handshake.NewReplayCache(once, answered),
		checks: handshake.NewReplayCache(checkPause, answered),
	}
}

// rates bound the answers on one topic: who holds one key does not use up the answers
// under another. Each kind has its own, so that replaying one message does not silence
// the others.
type rates struct{ times, refusals, pongs, gone, notMine *bucket }

// links is how many there are: a question comes, and is answered, on each.
func newRates(links int) rates {
	answers := func() *bucket { return newBucket(answerRate*links, answerBurst*links) }
	return rates{
		times:    newBucket(unwantedRate, unwantedRate),
		refusals: newBucket(unwantedRate, unwantedRate),
		pongs:    answers(),
		gone:     answers(),
		notMine:  answers(),
	}
}

// time reports whether a hello whose time is off may be told ours: once on each path.
func (l *limits) time(u *uplink, m handshake.Hello, answers *bucket, now time.Time) bool {
	digest := m.Digest()
	return allow(l.hellos, u.digest([8]byte(digest[:]), m.Link), answers, now)
}

func (l *limits) pong(u *uplink, m handshake.Probe, answers *bucket, now time.Time) bool {
	return allow(l.probes, u.digest(m.Nonce, m.Link), answers, now)
}

func (l *limits) check(u *uplink, m handshake.Check, answers *bucket, now time.Time) bool {
	return allow(l.checks, u.digest(m.Nonce, m.Link), answers, now)
}

// digest identifies a message with a nonce, on each path by itself: it is answered on all that it comes by.
func (u *uplink) digest(nonce [8]byte, its uint8) [32]byte {
	return sha256.Sum256(append(nonce[:], u.number, its))
}

// allow asks the bucket for what is new only, and does not remember what the
// bucket leaves unanswered: it is answered when it comes again.
func allow(seen *handshake.ReplayCache, digest [32]byte, answers *bucket, now time.Time) bool {
	return !seen.Contains(digest, now) && answers.allow(now) && seen.Add(digest, now)
}
