package e2etest

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// phase is a point at which a dial gets no further.
type phase struct {
	name   string
	scheme string
	dial   func(t *testing.T) dialFunc
	want   error
}

var phases = []phase{
	{"TCP", "mqtt", func(*testing.T) dialFunc { return dialNowhere }, mqtte2e.ErrBroker},
	{"TLS", "mqtts", func(*testing.T) dialFunc { return dialSilence(nil) }, mqtte2e.ErrBroker},
	{"WebSocket", "ws", func(*testing.T) dialFunc { return dialSilence(nil) }, mqtte2e.ErrBroker},
	{"CONNECT", "mqtt", func(*testing.T) dialFunc { return dialSilence(nil) }, mqtte2e.ErrBroker},
	{"SUBSCRIBE", "mqtt", func(*testing.T) dialFunc { return dialSilence([]byte{0x20, 2, 0, 0}) }, mqtte2e.ErrBroker},
	{"hello", "mqtt", func(t *testing.T) dialFunc { return simtest.Broker(t).DialContext }, mqtte2e.ErrNoAnswer},
}

// dialNowhere waits for its context.
func dialNowhere(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// dialSilence reaches a server that says one thing and then nothing more.
func dialSilence(greeting []byte) dialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := simtest.Pipe()
		go func() {
			theirs.Write(greeting)
			io.Copy(io.Discard, theirs)
			theirs.Close()
		}()
		return ours, nil
	}
}

// attempts are the calls that reach the broker.
var attempts = map[string]func(ctx context.Context, address string, config *mqtte2e.Config) error{
	"Dial": func(ctx context.Context, address string, config *mqtte2e.Config) error {
		_, err := mqtte2e.Dial(ctx, address+"#nobody", config)
		return err
	},
	"Listen": func(ctx context.Context, address string, config *mqtte2e.Config) error {
		_, err := mqtte2e.Listen(ctx, address+"#nobody", config)
		return err
	},
	"Ping": func(ctx context.Context, address string, config *mqtte2e.Config) error {
		e := &mqtte2e.Endpoint{Broker: address, Config: config}
		defer e.Close()
		_, err := e.Ping(ctx, "nobody")
		return err
	},
}

// forEachPhase runs f in virtual time for each call and each phase at which it
// can be stuck.
func forEachPhase(t *testing.T, f func(t *testing.T, p phase, attempt func(context.Context) error)) {
	for name, attempt := range attempts {
		for _, p := range phases {
			if name == "Listen" && p.name == "hello" {
				continue // a Listener waits for nobody
			}
			t.Run(name+"/"+p.name, func(t *testing.T) {
				simtest.Run(t, func(t *testing.T) {
					config := newConfig()
					config.Username, config.Password = "ulrike77", "hunter2"
					config.DialContext = p.dial(t)
					f(t, p, func(ctx context.Context) error {
						return attempt(ctx, p.scheme+"://broker.test", config)
					})
				})
			})
		}
	}
}

func TestContextsEndCalls(t *testing.T) {
	forEachPhase(t, func(t *testing.T, p phase, attempt func(context.Context) error) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := attempt(ctx)
		var timeout net.Error
		if !errors.Is(err, p.want) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("after its deadline: %v", err)
		}
		if passed := time.Since(start); passed != 3*time.Second {
			t.Errorf("the call ended after %v", passed)
		}

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start = time.Now()
		err = attempt(ctx)
		if !errors.Is(err, p.want) || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if passed := time.Since(start); passed != time.Second {
			t.Errorf("the cancelled call ended after %v", passed)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if err := attempt(ctx); !errors.Is(err, p.want) && !errors.Is(err, mqtte2e.ErrBroker) || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
	})
}

func TestCallsEndWithoutContext(t *testing.T) {
	forEachPhase(t, func(t *testing.T, p phase, attempt func(context.Context) error) {
		start := time.Now()
		err := attempt(t.Context())
		if !errors.Is(err, p.want) {
			t.Errorf("%v", err)
		}
		for _, secret := range []string{"ulrike77", "hunter2"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows a secret: %v", err)
			}
		}
		if !strings.Contains(err.Error(), "check") {
			t.Errorf("the error has no hint: %v", err)
		}
		passed := time.Since(start)
		if passed > 30*time.Second {
			t.Errorf("the call took %v", passed)
		}
		t.Logf("after %v: %v", passed, err)
	})
}
