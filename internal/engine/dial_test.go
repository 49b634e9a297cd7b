package engine

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// seconds makes durations.
func seconds(numbers ...float64) (list []time.Duration) {
	for _, n := range numbers {
		list = append(list, time.Duration(n*float64(time.Second)))
	}
	return list
}

// TestHelloIsRepeatedAndReplaced dials where nobody listens.
func TestHelloIsRepeatedAndReplaced(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.record()
		start := time.Now()
		c, err := w.engine().Dial(context.Background(), testName, nil)
		if passed := time.Since(start); passed != 30*time.Second || c != nil {
			t.Errorf("gave up after %v with %v", passed, c)
		}
		if !errors.Is(err, ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up with %v", err)
		}
		var at []time.Duration
		digests := make(map[[32]byte]int)
		for _, m := range w.recorded() {
			if m.at.Sub(start) == 30*time.Second {
				continue // a hello or the end, whichever comes first
			}
			hello, ok := w.envelope(m).(handshake.Hello)
			if !ok {
				continue // the echo
			}
			at = append(at, m.at.Sub(start))
			digests[hello.Digest()]++
			if age := m.at.Sub(hello.Time); age > 5*time.Second {
				t.Errorf("a hello is sent that is %v old", age)
			}
		}
		if want := seconds(0, 0.25, 0.75, 1.75, 3.75, 5, 5.25, 5.75, 6.75, 8.75, 10); !slices.Equal(at[:len(want)], want) {
			t.Errorf("hellos at %v, want %v …", at, want)
		}
		if len(digests) != 6 {
			t.Errorf("%d different hellos within 30 s, want one every 5 s", len(digests))
		}
	})
}

func TestDialEndsWithItsContext(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		e := newWorld(t).engine()
		ctx, cancel := context.WithTimeout(context.Background(), 47*time.Second)
		defer cancel()
		start := time.Now()
		_, err := e.Dial(ctx, testName, nil)
		if passed := time.Since(start); passed != 47*time.Second {
			t.Errorf("gave up after %v", passed)
		}
		if !errors.Is(err, ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up with %v", err)
		}
		ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(3*time.Second, cancel)
		start = time.Now()
		_, err = e.Dial(ctx, testName, nil)
		if passed := time.Since(start); passed != 3*time.Second {
			t.Errorf("gave up after %v", passed)
		}
		if !errors.Is(err, ErrNoAnswer) || !errors.Is(err, context.Canceled) {
			t.Errorf("gave up with %v", err)
		}
	})
}

// TestDialWithoutABroker also shows that the first attempt's failure is told
// at once, and that a later Dial tries again.
func TestDialWithoutABroker(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.broker.Stop()
		e := w.engine()
		start := time.Now()
		if _, err := e.Dial(context.Background(), testName, nil); !errors.Is(err, ErrBroker) || time.Since(start) != 0 {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		w.broker.Start()
		w.listen(w.engine())
		w.dial(e)

		w.broker.Stop()
		simtest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 7*time.Second)
		defer cancel()
		start = time.Now()
		_, err := e.Dial(ctx, testName, nil)
		if !errors.Is(err, ErrBroker) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 7*time.Second {
			t.Errorf("in an outage, after %v: %v", time.Since(start), err)
		}
	})
}

// TestDialOutlivesAnOutage loses the broker between hello and answer.
func TestDialOutlivesAnOutage(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(w.engine())
		e := w.engine()
		w.set(refuse)
		time.AfterFunc(time.Second, w.broker.Stop)
		time.AfterFunc(20*time.Second, func() {
			w.set(nil)
			w.broker.Start()
		})
		dialed, accepted := w.connect(e, l)
		w.exchange(dialed, accepted)
	})
}

// TestLostAnswerIsRepeated drops the first answer: the listener repeats it when
// the hello comes again.
func TestLostAnswerIsRepeated(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(w.engine())
		answers := 0
		w.set(func(m message) ([]byte, bool) {
			if _, ok := w.envelope(m).(handshake.Answer); ok {
				answers++
				return m.payload, answers > 1
			}
			return m.payload, true
		})
		start := time.Now()
		dialed, accepted := w.connect(w.engine(), l)
		w.set(nil)
		if passed := time.Since(start); passed != firstRepeat || answers != 2 {
			t.Errorf("connected after %v and %d answers", passed, answers)
		}
		w.exchange(dialed, accepted)
	})
}

// TestUnconfirmedConnFails lets the answer pass and nothing after it.
func TestUnconfirmedConnFails(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		listener := w.engine()
		l := w.listen(listener)
		w.set(func(m message) ([]byte, bool) { return m.payload, w.envelope(m) != nil })
		start := time.Now()
		c := w.dial(w.engine())
		time.Sleep(30*time.Second - time.Nanosecond)
		if n := entries(listener); n["Conns"] != 1 || n["half-open"] != 1 {
			t.Errorf("before 30 s have passed the listener has %v", n)
		}
		_, err := c.Read(make([]byte, 1))
		if passed := time.Since(start); passed != 30*time.Second || !errors.Is(err, ErrNoAnswer) {
			t.Errorf("after %v: %v", passed, err)
		}
		simtest.Wait()
		l.Close()
		if n := entries(listener); len(n) != 0 {
			t.Errorf("after 30 s the listener still has %v", n)
		}
	})
}

// swallowing is a network on which nothing ever answers.
func swallowing(c *Config) {
	c.Link.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
}

func TestCloseOfTheEngineEndsCallsAtOnce(t *testing.T) {
	for name, call := range map[string]func(*Engine) error{
		"Dial":   func(e *Engine) error { _, err := e.Dial(context.Background(), testName, nil); return err },
		"Ping":   func(e *Engine) error { _, err := e.Ping(context.Background(), testName); return err },
		"Listen": func(e *Engine) error { _, err := e.Listen(context.Background(), testName, nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				e := newWorld(t).engine(map[string]func(*Config){"Listen": swallowing}[name])
				result := make(chan error, 1)
				go func() { result <- call(e) }()
				time.Sleep(time.Second)
				start := time.Now()
				e.Close()
				if err := <-result; !errors.Is(err, net.ErrClosed) || time.Since(start) != 0 {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				if err := call(e); !errors.Is(err, net.ErrClosed) {
					t.Errorf("after Close: %v", err)
				}
				checkEmpty(t, e)
			})
		})
	}
}

// TestCallsWaitNoLongerThanTheirContexts for the broker.
func TestCallsWaitNoLongerThanTheirContexts(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		e := newWorld(t).engine(swallowing)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := e.Dial(ctx, testName, nil)
		if !errors.Is(err, ErrBroker) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
