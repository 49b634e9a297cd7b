package stream

import "time"

const (
	// trialPause is the time from one trial of larger packets to the next.
	trialPause = 30 * time.Second
	// firstTrial is the time from the first full round trip to the first trial.
	firstTrial = 5 * time.Second
	// trialRounds is how long a trial takes, in round trips: what larger packets
	// bring shows after two.
	trialRounds = 4
	// trialGain is by how much the rate has to rise for a trial to have succeeded:
	// twice as large packets bring twice as much where messages are counted.
	trialGain = 1.4
)

// A trial finds out whether larger packets bring more. Where a service lets so
// many messages a second through and delays the rest, a path looks slow, and a slow
// path asks for small packets, which make it slower still.
type trial struct {
	floor  int       // the least size of packets, bytes; 0: none
	before float64   // the rate before the trial that is on, bytes a second; 0: none is
	most   float64   // the best rate of the trial
	rounds int       // of the trial
	next   time.Time // when the next one may begin
}

// onRound takes note of a full round trip and its rate, given the size of
// packets, the largest there may be, and the best rate so far.
func (t *trial) onRound(now time.Time, rate, best float64, size, limit int) {
	switch {
	case t.next.IsZero():
		t.next = now.Add(firstTrial)
	case t.before == 0 && size < limit && !now.Before(t.next):
		t.begin(best, size)
	case t.before > 0:
		t.goOn(now, rate, size, limit)
	}
}

func (t *trial) begin(rate float64, size int) {
	t.before, t.most, t.rounds, t.floor = rate, 0, 0, 2*size
}

// goOn ends the trial when it has taken long enough.
func (t *trial) goOn(now time.Time, rate float64, size, limit int) {
	t.most = max(t.most, rate)
	if t.rounds++; t.rounds < trialRounds {
		return
	}
	if t.most < trialGain*t.before {
		t.floor, t.before, t.next = t.floor/2, 0, now.Add(trialPause)
		return
	}
	if t.before = 0; size < limit {
		t.begin(t.most, size)
	}
}
