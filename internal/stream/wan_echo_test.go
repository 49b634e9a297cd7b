package stream

import (
	"time"
)

const (
	echoSize  = 64                    // bytes
	echoPause = 50 * time.Millisecond // between an answer and the next question, unless said otherwise
)

// echo asks small questions and measures how long the answers take.
type echo struct {
	net   *network
	pause time.Duration
	at    time.Duration // when the next question is asked; never: one is open
	asked time.Duration
	took  []time.Duration
	ask   func()
}

// begin asks the first question, unless somebody asks already.
func (e *echo) begin(ask func()) {
	if e.ask == nil {
		e.ask, e.at = ask, e.net.now
	}
}

// next implements actor.
func (e *echo) next() time.Duration { return e.at }

func (e *echo) act() {
	e.at, e.asked = never, e.net.now
	e.ask()
}

func (e *echo) answered() {
	e.took = append(e.took, e.net.now-e.asked)
	e.at = e.net.now + e.pause
}

// median is the median of all answers, or how long the one that is missing has taken.
func (e *echo) median() time.Duration {
	if len(e.took) == 0 {
		return e.net.now
	}
	return median(e.took)
}

// reportEvery is how often B tells A how much has arrived, as programs do: small messages the other way.
const (
	reportEvery = 100 * time.Millisecond
	reportSize  = 8 // bytes
)

// reports does something every so often.
type reports struct {
	at     time.Duration
	report func()
}

// next implements actor.
func (r *reports) next() time.Duration { return r.at }

func (r *reports) act() {
	r.at += reportEvery
	r.report()
}
