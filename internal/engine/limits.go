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
	// announcementRate bounds the announcements that are acted upon, a second,
	// since each may ask all Conns of a name for a sign of life, and
	// announcementBurst those at once: of a process that has many names.
	announcementRate  = 1
	announcementBurst = maxAttended
)

// limits bound what a recorded message costs when it is replayed. Each kind of
// answer has its own, so that replaying one message does not silence the
// others, and each message counts for little in its kind.
type limits struct {
	times, refusals, repeats, pongs, gone, notMine, announcements *handshake.Bucket

	hellos, probes, checks, announced *handshake.Recent
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

		announcements: handshake.NewBucket(announcementRate, announcementBurst),
		announced:     handshake.NewRecent(0),
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

func (l *limits) announcement(payload []byte, now time.Time) bool {
	return allow(l.announced, sha256.Sum256(payload), l.announcements, now)
}

// allow asks the bucket for what is new only, and does not remember what the
// bucket leaves unanswered: it is answered when it comes again.
func allow(seen *handshake.Recent, digest [32]byte, answers *handshake.Bucket, now time.Time) bool {
	return !seen.Known(digest, now) && answers.Allow(now) && seen.Allow(digest, now)
}
