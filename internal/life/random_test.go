package life

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// A run is what has happened to a Life so far, as its Conn would know.
type run struct {
	l       *Life
	random  *rand.Rand
	now     time.Time
	status  stream.Status
	history []string

	state    State
	proved   bool
	entered  [Over + 1]int
	question bool // one is open
	pathUp   bool
	pathLost bool // by the last NoPath
}

// maxAgain is how often one time may be a deadline: the peer is asked, then asked
// for the Conn itself, and what follows from the question may be due already.
const maxAgain = 2

// moves are what happens to it, at random.
var moves = []struct {
	name string
	make func(r *run) Step
}{
	{"Hear", func(r *run) Step { r.status.Unheard = time.Time{}; return r.l.Hear(false, r.now) }},
	{"Hear", func(r *run) Step { r.status.Unheard = time.Time{}; return r.l.Hear(false, r.now) }},
	{"another Conn is heard", func(r *run) Step { r.l.config.Peer.Hear(r.now); return Step{} }},
	{"Close", func(r *run) Step { return r.l.Close(r.now) }},
	{"Abort", func(r *run) Step { return r.l.Abort(CodeAborted, r.now) }},
	{"Violated", func(r *run) Step { return r.l.Violated(r.now) }},
	{"Forget", func(r *run) Step { return r.l.Forget(r.now) }},
	{"Leave", func(r *run) Step { return r.l.Leave(r.now) }},
	{"Gone", func(r *run) Step { return r.l.Gone(r.status, r.now) }},
	{"a path works", func(r *run) Step { r.pathUp = true; r.l.PathUp(r.now); return Step{} }},
	{"a path works", func(r *run) Step { r.pathUp = true; r.l.PathUp(r.now); return Step{} }},
	{"no path works", func(r *run) Step { r.pathLost, r.pathUp = r.pathUp, false; return r.l.NoPath(r.now) }},
	{"Doubt", func(r *run) Step { return r.l.Doubt(r.status, r.random.IntN(2) == 0, r.now) }},
	{"Deny", func(r *run) Step { r.l.config.Peer.Deny(r.now); return Step{} }},
	{"something is sent", func(r *run) Step { r.status.Unheard = stream.Earlier(r.status.Unheard, r.now); return Step{} }},
	{"the peer resets", func(r *run) Step { r.status.WasReset = true; return Step{} }},
	{"finished", func(r *run) Step { r.status.Finished = true; return Step{} }},
	{"settled", func(r *run) Step { r.status.Settled = true; return Step{} }},
	{"slower", func(r *run) Step {
		r.status.ProbeTimeout = time.Duration(r.random.Int64N(int64(5 * second)))
		return Step{}
	}},
}

// TestRandomLives keeps what holds whatever happens in whatever order.
func TestRandomLives(t *testing.T) {
	for seed := range uint64(4000) {
		r := newRun(seed)
		for range 60 {
			if err := r.move(); err != nil {
				t.Fatalf("seed %d, after %v: %v", seed, r.history, err)
			}
		}
	}
}

func newRun(seed uint64) *run {
	random := rand.New(rand.NewPCG(seed, 0))
	r := &run{random: random, now: start, pathUp: true}
	timeouts := []time.Duration{0, 20 * second, 2 * minute, time.Hour}
	r.l = newLife(patience(timeouts[random.IntN(len(timeouts))]), attentive(time.Duration(random.IntN(3))*10*second), func(c *Config) { c.Dialer = seed%2 == 0 })
	r.state = r.l.State()
	return r
}

// move lets some time pass, in which nothing else happens, and then something.
func (r *run) move() error {
	end := r.now.Add(time.Duration(r.random.ExpFloat64() * float64(5*second)))
	for again := 0; ; again++ {
		due := r.l.Deadline(r.status)
		if due.IsZero() || due.After(end) {
			r.now = end
			break
		}
		if due.After(r.now) {
			r.now, again = due, 0
		}
		if again > maxAgain {
			return fmt.Errorf("after Expire it is due again, and again: at %v", until(due))
		}
		if err := r.take(fmt.Sprintf("%v", until(r.now)), r.l.Expire(r.status, r.now)); err != nil {
			return err
		}
	}
	rare := r.random.IntN(3) > 0 // what ends a Life
	i := r.random.IntN(len(moves))
	if ends := i >= 3 && i <= 8; ends && rare {
		i = 0
	}
	if err := r.take(moves[i].name, moves[i].make(r)); err != nil {
		return err
	}
	return r.take("Update", r.l.Update(r.status, r.now))
}

// take checks a step.
func (r *run) take(what string, s Step) error {
	r.history = append(r.history, what)
	before, state := r.state, r.l.State()
	r.state = state
	if s.Enter != 0 {
		r.entered[s.Enter]++
	}
	had := r.question
	r.question = (had || s.Check) && !s.Heard
	lived := before != TimeWait && before != Over
	ended := state == TimeWait || state == Over
	switch {
	case state < before:
		return fmt.Errorf("%v after %v", state, before)
	case before == Over && s != (Step{}):
		return fmt.Errorf("a step after the end: %+v", s)
	case before == TimeWait && s != (Step{}) && s != (Step{Enter: Over}):
		return fmt.Errorf("a step in TIME-WAIT: %+v", s)
	case (s.Enter != 0) != (state != before && ended), s.Enter != 0 && s.Enter != state:
		return fmt.Errorf("from %v to %v by %+v", before, state, s)
	case r.entered[TimeWait] > 1 || r.entered[Over] > 1:
		return fmt.Errorf("entered a state again: %v", r.entered)
	case s.Proved && (r.proved || before != HalfOpen), before == HalfOpen && state == Open && !s.Proved:
		return fmt.Errorf("proved in %v: %+v", before, s)
	case s.Close != (state == Closing && before != Closing):
		return fmt.Errorf("from %v to %v by %+v", before, state, s)
	case s.Fail != None && !(lived && ended):
		return fmt.Errorf("failed from %v to %v: %+v", before, state, s)
	case s.Fail == None && ended && before == Open:
		return fmt.Errorf("an open Conn ended without a reason: %+v", s)
	case s.Drop && (s.Fail == None || s.Reset != 0 || s.Enter != Over), s.Reset != 0 && s.Enter != TimeWait:
		return fmt.Errorf("%+v", s)
	case (s.Ping || s.Check) && (!lived || ended || r.status.Settled):
		return fmt.Errorf("asks in %v: %+v", before, s)
	case had && ended && r.question:
		return fmt.Errorf("a question outlives the Conn")
	case what == "Hear" && r.question, what == "no path works" && r.pathLost && r.question:
		return fmt.Errorf("a question is left open")
	}
	r.proved = r.proved || s.Proved
	return r.timed()
}

// timed checks the deadline that follows.
func (r *run) timed() error {
	due := r.l.Deadline(r.status)
	switch {
	case r.state == Over && !due.IsZero():
		return fmt.Errorf("due at %v after the end", until(due))
	case r.state != Over && r.state != Open && due.IsZero():
		return fmt.Errorf("%v for ever", r.state)
	}
	return nil
}
