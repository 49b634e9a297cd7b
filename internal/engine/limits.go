package engine

import (
	"crypto/sha256"
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
	// checkPause is the least time between two answers to the same CHECK. It
	// is asked again after three seconds at the earliest.
	checkPause = time.Second
)

// limits bound what a recorded message costs when it is replayed. Each kind of
// answer has its own, so that replaying one message does not silence the
// others, and each message counts for little in its kind.
type limits struct {
	times, refusals, repeats, pongs, gone, notMine *handshake.Bucket

	hellos, probes, checks *handshake.Recent
}

func newLimits() limits {
	answers := func() *handshake.Bucket { return handshake.NewBucket(answerRate, answerBurst) }
	return limits{
		times:    handshake.NewBucket(unwantedRate, unwantedRate),
		refusals: handshake.NewBucket(unwantedRate, unwantedRate),
		repeats:  answers(),
		pongs:    answers(),
		gone:     answers(),
		notMine:  answers(),
		hellos:   handshake.NewRecent(0),
		probes:   handshake.NewRecent(0),
		checks:   handshake.NewRecent(checkPause),
	}
}

// time reports whether a hello whose time is off may be told ours: once each.
func (l *limits) time(m handshake.Hello, now time.Time) bool {
	return allow(l.hellos, m.Digest(), l.times, now)
}

func (l *limits) pong(m handshake.Probe, now time.Time) bool {
	return allow(l.probes, sha256.Sum256(m.Nonce[:]), l.pongs, now)
}

func (l *limits) check(m handshake.Check, answers *handshake.Bucket, now time.Time) bool {
	return allow(l.checks, sha256.Sum256(m.Nonce[:]), answers, now)
}

// allow asks the bucket for what is new only, and does not remember what the
// bucket leaves unanswered: it is answered when it comes again.
func allow(seen *handshake.Recent, digest [32]byte, answers *handshake.Bucket, now time.Time) bool {
	return !seen.Known(digest, now) && answers.Allow(now) && seen.Allow(digest, now)
}
