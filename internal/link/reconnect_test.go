package link

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestBackoff checks the pauses of an outage, without and with jitter.
func TestBackoff(t *testing.T) {
	now := time.Now()
	b := backoff{jitter: func() float64 { return 0 }}
	var early []time.Duration
	for range 7 {
		early = append(early, b.next(now))
	}
	ms := time.Millisecond
	if want := []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1000 * ms, 1000 * ms}; !slices.Equal(early, want) {
		t.Errorf("in the first minute: %v, want %v", early, want)
	}
	now = now.Add(time.Minute)
	var late []time.Duration
	for range 5 {
		late = append(late, b.next(now))
	}
	if want := []time.Duration{1000 * ms, 2000 * ms, 4000 * ms, 5000 * ms, 5000 * ms}; !slices.Equal(late, want) {
		t.Errorf("later: %v, want %v", late, want)
	}
	b.jitter = func() float64 { return 0.5 }
	if delay := b.next(now); delay != 3750*ms {
		t.Errorf("with half of the jitter: %v", delay)
	}
	b.connectionEnded(steadyAfter - 1)
	if delay := b.next(now); delay != 3750*ms {
		t.Errorf("after a short connection: %v", delay)
	}
	b.connectionEnded(steadyAfter)
	if delay := b.next(now); delay != 37500*time.Microsecond {
		t.Errorf("after a steady connection: %v", delay)
	}
}

// dialLog counts and times the attempts to dial.
type dialLog struct {
	mu    sync.Mutex
	times []time.Time
	dial  dialFunc
}

func (d *dialLog) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	d.times = append(d.times, time.Now())
	d.mu.Unlock()
	return d.dial(ctx, network, address)
}

// since returns the times of the attempts after start.
func (d *dialLog) since(start time.Time) (after []time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, at := range d.times {
		if at.After(start) {
			after = append(after, at.Sub(start))
		}
	}
	return after
}

func TestReconnectsForAsLongAsItTakes(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		dials := &dialLog{dial: embedded.DialContext}
		l := newTestLink(t, testAddress, dials.DialContext)
		l.mustConnect(t)
		l.mustSubscribe(t, "topic")
		time.Sleep(steadyAfter)

		start := time.Now()
		embedded.Stop()
		time.Sleep(4 * time.Second)
		ms := time.Millisecond
		want := []time.Duration{50 * ms, 150 * ms, 350 * ms, 750 * ms, 1550 * ms, 2550 * ms, 3550 * ms}
		if got := dials.since(start); !slices.Equal(got, want) {
			t.Errorf("attempts after %v, want %v", got, want)
		}
		if l.IsUp() {
			t.Error("the link is up without a broker")
		}

		time.Sleep(24 * time.Hour)
		embedded.Start()
		start = time.Now()
		l.mustConnect(t)
		if waited := time.Since(start); waited > lateDelay {
			t.Errorf("the link comes back %v after the broker", waited)
		}
		l.publish("topic", "still there")
		l.want(t, "topic", "still there")
		if ups, downs := l.source.counts(); ups != 2 || downs != 1 || l.Stats().Reconnects != 1 {
			t.Errorf("%d times up, %d times down, %d reconnects", ups, downs, l.Stats().Reconnects)
		}
	})
}

func TestConnectDuringAnOutageWaitsForItsContext(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		l := newTestLink(t, testAddress, embedded.DialContext)
		l.mustConnect(t)
		embedded.Stop()
		simtest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		start := time.Now()
		err := l.Connect(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) != time.Minute {
			t.Errorf("Connect returned after %v: %v; want both the context's error and the reason", time.Since(start), err)
		}
		if err := l.Subscribe(ctx, "topic", l.handle); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Subscribe: %v", err)
		}
		embedded.Start()
		// What failed is not subscribed, so it can be subscribed.
		l.mustSubscribe(t, "topic")
		l.publish("topic", "hello")
		l.want(t, "topic", "hello")
	})
}

func TestCloseDuringBackoffAndDial(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		l := newTestLink(t, testAddress, embedded.DialContext)
		l.mustConnect(t)
		embedded.Stop()
		time.Sleep(time.Hour + time.Millisecond)
		checkClosesAtOnce(t, l)

		dialing := make(chan struct{})
		l = newTestLink(t, testAddress, func(ctx context.Context, _, _ string) (net.Conn, error) {
			close(dialing)
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		result := make(chan error)
		go func() { result <- l.Connect(context.Background()) }()
		<-dialing
		checkClosesAtOnce(t, l)
		if err := <-result; !errors.Is(err, ErrClosed) {
			t.Errorf("Connect: %v", err)
		}
	})
}

func TestCloseWhileTheBrokerIsAskedForSomething(t *testing.T) {
	for name, answer := range map[string]func(*script){
		"CONNECT":   func(s *script) { s.read() },
		"SUBSCRIBE": func(s *script) { s.acceptConnect() },
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, l *testLink, broker *script) {
				go answer(broker)
				result := make(chan error)
				go func() { result <- l.Connect(context.Background()) }()
				simtest.Wait()
				checkClosesAtOnce(t, l)
				if err := <-result; !errors.Is(err, ErrClosed) {
					t.Errorf("Connect: %v", err)
				}
			})
		})
	}
}

func checkClosesAtOnce(t *testing.T, l *testLink) {
	t.Helper()
	start := time.Now()
	l.Close()
	if took := time.Since(start); took != 0 {
		t.Errorf("Close took %v", took)
	}
}

func TestDialThatNeverEndsTimesOut(t *testing.T) {
	for _, scheme := range []string{"mqtt", "mqtts", "ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				ours, theirs := simtest.Pipe() // nobody answers here
				defer theirs.Close()
				l := newTestLink(t, address.Broker{Scheme: scheme, Host: "broker.test:1", Path: "/"}, dialTo(ours))
				start := time.Now()
				err := l.Connect(context.Background())
				limit := dialTimeout
				if scheme == "mqtt" {
					limit = answerTimeout // there is nothing to wait for before CONNACK
				}
				if took := time.Since(start); err == nil || took != limit {
					t.Errorf("Connect returned after %v: %v", took, err)
				}
			})
		})
	}
}

// TestMosquittoKilledAndRestarted is the same with a real broker and real time.
func TestMosquittoKilledAndRestarted(t *testing.T) {
	mosquitto := simtest.Mosquitto(t)
	u, err := url.Parse(mosquitto.Address)
	if err != nil {
		t.Fatal(err)
	}
	l := newTestLink(t, address.Broker{Scheme: "mqtt", Host: u.Host}, nil)
	l.mustSubscribe(t, "topic")
	l.mustConnect(t)
	for range 3 {
		mosquitto.Kill()
		<-l.source.down
		mosquitto.Restart()
		l.mustConnect(t)
		l.publish("topic", "hello again")
		l.want(t, "topic", "hello again")
	}
	if reconnects := l.Stats().Reconnects; reconnects != 3 {
		t.Errorf("%d reconnects", reconnects)
	}
}
