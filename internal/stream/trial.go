package stream

import (
	"math"
	"time"
)

const (
	// trialPause is the time from a trial that failed to the next of its kind.
	trialPause = 30 * time.Second
	// firstTrial is the time from the first full round trip to the first trial of
	// larger packets, and soonTrial that from one of smaller ones that failed.
	firstTrial = 5 * time.Second
	soonTrial  = 2 * time.Second
	// trialRounds is how long a trial takes, in round trips: three tries for more.
	// In the first staleRounds of them packets of the size before arrive.
	trialRounds = 6
	staleRounds = 2
	// usualWeight is how many rounds make up the usual rate.
	usualWeight = 4
)

// A trial finds out what packets of another size bring. Where a service lets so
// many messages a second through and delays the rest, a path looks slow, and a slow
// path asks for small packets, which make it slower still. So packets become smaller
// only if hardly less is delivered then, and now and then larger ones are tried.
type trial struct {
	usual float64 // the rate, smoothed, when no trial is on, bytes a second

	former int     // the size of packets before the trial that is on, bytes; 0: none is
	wanted float64 // the rate for which the new size is kept
	best   float64 // of the trial
	rounds int     // of the trial

	larger  time.Time // when larger packets may be tried
	smaller time.Time // when smaller ones may: if that is to come, they cost too much lately
}

// on reports whether a trial is on.
func (t *trial) on() bool { return t.former > 0 }

// costly reports whether smaller packets have just delivered less: messages are counted.
func (t *trial) costly(now time.Time) bool { return now.Before(t.smaller) }

// begin begins a trial of packets of another size, and returns that. Where messages are
// counted, the rate follows the size, and where bytes are, it stays; noise is less than
// the difference.
func (t *trial) begin(size, other int) int {
	t.former, t.best, t.rounds = size, 0, 0
	t.wanted = t.usual * math.Cbrt(float64(other)/float64(size))
	return other
}

// onRound takes note of a full round trip of a trial of packets of that size, and
// its rate. It returns the size that packets have from now on, limit at most.
func (t *trial) onRound(now time.Time, rate float64, size, limit int) int {
	if t.rounds++; t.rounds > staleRounds {
		t.best = max(t.best, rate)
	}
	if t.rounds < trialRounds {
		return size
	}
	former, kept := t.former, t.best >= t.wanted
	t.former = 0
	switch {
	case kept && size > former && size < limit:
		t.usual = t.best
		return t.begin(size, min(2*size, limit))
	case kept:
		return size
	case size > former && t.costly(now):
		t.larger = now.Add(soonTrial)
	case size > former:
		t.larger = now.Add(trialPause)
	default:
		t.smaller, t.larger = now.Add(trialPause), now.Add(soonTrial)
	}
	return former
}

// onUsual takes note of a full round trip when no trial is on.
func (t *trial) onUsual(now time.Time, rate float64) {
	if t.usual == 0 {
		t.usual, t.larger = rate, now.Add(firstTrial)
	}
	t.usual += (rate - t.usual) / usualWeight
}
