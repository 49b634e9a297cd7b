package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A clock is wrong by an offset, which a test may change.
type clock struct{ offset atomic.Int64 }

func (k *clock) set(offset time.Duration) { k.offset.Store(int64(offset)) }
func (k *clock) wall(c *Config) {
	c.wall = func() time.Time { return time.Now().Add(time.Duration(k.offset.Load())) }
}

// to1970 is how wrong a clock is that was never set.
func to1970() time.Duration { return time.Until(time.Unix(0, 0)) }

// count returns how many of the recorded messages are of a type.
func count[M handshake.Message](w *world) (n int) {
	for _, m := range w.recorded() {
		if _, ok := w.envelope(m).(M); ok {
			n++
		}
	}
	return n
}

func TestWrongClocks(t *testing.T) {
	for name, test := range map[string]struct {
		dialer, listener time.Duration
		corrections      int
	}{
		"both right":              {0, 0, 0},
		"within the window":       {10 * time.Second, 0, 0},
		"just outside":            {10*time.Second + 1, 0, 1},
		"dialer an hour ahead":    {time.Hour, 0, 1},
		"dialer never set":        {-1, 0, 1},
		"listener an hour behind": {0, -time.Hour, 1},
		"listener never set":      {0, -1, 1},
		"both never set":          {-1, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				var ours, theirs clock
				for k, offset := range map[*clock]time.Duration{&ours: test.dialer, &theirs: test.listener} {
					if offset == -1 {
						offset = to1970()
					}
					k.set(offset)
				}
				e, l := w.engine(ours.wall), w.listen(w.engine(theirs.wall))
				w.record()
				start := time.Now()
				dialed, accepted := w.connect(e, l)
				if passed := time.Since(start); passed != 0 {
					t.Errorf("the dial took %v", passed)
				}
				w.exchange(dialed, accepted)
				w.connect(e, l) // the offset is known by now
				if n := count[handshake.Time](w); n != test.corrections {
					t.Errorf("%d corrections, want %d", n, test.corrections)
				}
			})
		})
	}
}

// TestListenersClockIsStepped corrects it between dials of one Engine, as a
// device does that finds a time server late.
func TestListenersClockIsStepped(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		var theirs clock
		theirs.set(to1970())
		e, l := w.engine(), w.listen(w.engine(theirs.wall))
		w.record()
		for _, offset := range []time.Duration{to1970(), 0, time.Hour, -time.Hour, 0} {
			theirs.set(offset)
			dialed, accepted := w.connect(e, l)
			w.exchange(dialed, accepted)
			time.Sleep(time.Second)
		}
		if n := count[handshake.Time](w); n != 5 {
			t.Errorf("%d corrections for five times", n)
		}
	})
}

// TestClockThatCannotBeFollowed jumps with every hello. The dial ends after
// three corrections.
func TestClockThatCannotBeFollowed(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		var theirs clock
		var hellos int
		w.set(func(m message) ([]byte, bool) {
			if _, ok := w.envelope(m).(handshake.Hello); ok {
				hellos++
				theirs.set(time.Duration(hellos) * time.Hour)
			}
			return m.payload, true
		})
		w.listen(w.engine(theirs.wall))
		start := time.Now()
		_, err := w.engine().Dial(context.Background(), testName, nil)
		if passed := time.Since(start); !errors.Is(err, ErrRefused) || passed != refusalWait {
			t.Errorf("after %v: %v", passed, err)
		}
		w.set(nil)
		if hellos != 1+maxCorrections+2 { // two more, while it waits for another listener
			t.Errorf("%d hellos", hellos)
		}
	})
}

// TestTimeAnswersAreBounded lets many dialers with wrong clocks come at once:
// there are 20 answers, and then 20 a second.
func TestTimeAnswersAreBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		var theirs clock
		theirs.set(time.Hour)
		l := w.listen(w.engine(theirs.wall))
		w.record()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		const dialers = 100
		results := make(chan error, dialers)
		for range dialers {
			e := w.engine()
			go func() {
				_, err := e.Dial(ctx, testName, nil)
				results <- err
			}()
		}
		failed := 0
		for range dialers {
			if err := <-results; err != nil {
				failed++
			}
		}
		log, answers := w.recorded(), 0
		for _, m := range log {
			if _, ok := w.envelope(m).(handshake.Time); ok {
				answers++
			}
			passed := m.at.Sub(log[0].at).Seconds()
			if most := unwantedRate * (1 + passed); float64(answers) > most {
				t.Fatalf("%d answers after %v s", answers, passed)
			}
		}
		if failed > 0 {
			t.Errorf("%d of %d dialers did not get through within 10 s", failed, dialers)
		}
		l.Close()
	})
}
