package stream

import "time"

const (
	// trialPause is the time from one trial of larger packets to the next.
	trialPause = 30 * time.Second
	// firstTrial is the time from the first full round trip to the first trial.
	firstTrial = 5 * time.Second
	// trialRounds is how long a trial takes, in round trips: three tries for more.
	trialRounds = 6
	// trialGain is by how much the rate has to rise for a trial to have succeeded:
	// twice as large packets bring twice as much where messages are counted.
	trialGain = 1.4
)

// A trial finds out whether larger packets bring more. Where a service lets so
// many messages a second through and delays the rest, a path looks slow, and a slow
// path asks for small packets, which make it slower still.
type trial struct {
	floor  int       // the least size of packets, bytes; 0: none
	former int       // that before the trial
	before float64   // the rate before the trial that is on, bytes a second; 0: none is
	rounds int       // of the trial
	next   time.Time // when the next one may begin
}

// onRound takes note of a full round trip and its rate, given the size of
// packets, the largest there may be, and the best rate so far. It reports whether a
// trial of packets twice as large begins.
func (t *trial) onRound(now time.Time, rate, best float64, size, limit int) bool {
	switch {
	case t.next.IsZero():
		t.next = now.Add(firstTrial)
	case !t.on() && size < limit && !now.Before(t.next):
		return t.begin(best, size)
	case t.on():
		return t.goOn(now, rate, size, limit)
	}
	return false
}

// on reports whether a trial is on.
func (t *trial) on() bool { return t.before > 0 }

func (t *trial) begin(rate float64, size int) bool {
	t.before, t.rounds, t.former, t.floor = rate, 0, t.floor, 2*size
	return true
}

// goOn ends the trial when it has taken long enough. If it succeeded the next one
// begins.
func (t *trial) goOn(now time.Time, rate float64, size, limit int) bool {
	if t.rounds++; t.rounds < trialRounds {
		return false
	}
	if rate < trialGain*t.before {
		t.floor, t.before, t.next = t.former, 0, now.Add(trialPause)
		return false
	}
	t.before = 0
	return size < limit && t.begin(rate, size)
}
