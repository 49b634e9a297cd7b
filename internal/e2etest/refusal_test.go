package e2etest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// TestNoAnswer dials in every wrong way there is, in virtual time.
func TestNoAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*mqtte2e.Config)
		dial   string
	}{
		{"key", func(c *mqtte2e.Config) { c.Key = mqtte2e.NewKey() }, "test"},
		{"prefix", func(c *mqtte2e.Config) { c.TopicPrefix = "site/" }, "test"},
		{"name", func(*mqtte2e.Config) {}, "test2"},
		{"no name", func(*mqtte2e.Config) {}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				config := newConfig()
				config.DialContext = simtest.Broker(t).DialContext
				_, listener := endpoints(t, simtest.Address, config)
				other := *config
				test.change(&other)
				start := time.Now()
				conn, err := endpoint(t, simtest.Address, &other).Dial(context.Background(), test.dial)
				var op *net.OpError
				if conn != nil || !errors.Is(err, mqtte2e.ErrNoAnswer) || !errors.As(err, &op) || !op.Timeout() {
					t.Fatalf("got %v", err)
				}
				for _, text := range []string{strconv.Quote(test.dial), "key", "name", "TopicPrefix", "listener runs"} {
					if !strings.Contains(err.Error(), text) {
						t.Errorf("no %q in: %v", text, err)
					}
				}
				if passed := time.Since(start); passed != 30*time.Second {
					t.Errorf("it took %v", passed)
				}
				if listener.Stats().Rejected > 0 {
					t.Errorf("the listener had to reject something: hellos of others should not even reach it")
				}
			})
		})
	}
}

func TestProtocols(t *testing.T) {
	broker, config := mqtttest.Broker(t), newConfig()
	server, dialer := endpoint(t, broker, config), endpoint(t, broker, config)
	for i, test := range []struct {
		has, offers []string
		want        string
		refused     bool
	}{
		{nil, nil, "", false},
		{[]string{""}, nil, "", false},
		{[]string{"mux", ""}, nil, "", false},
		{[]string{"mux", "x"}, []string{"x", "mux"}, "x", false},
		{[]string{"mux"}, []string{"x", "mux"}, "mux", false},
		{[]string{"mux"}, nil, "", true},
		{nil, []string{"mux", "x"}, "", true},
	} {
		name := strconv.Itoa(i)
		listener, err := server.Listen(t.Context(), name, test.has...)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := dialer.Dial(t.Context(), name, test.offers...)
		if test.refused {
			checkRefusal(t, err, append(test.has, test.offers...))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := accepted.(*mqtte2e.Conn).Protocol(); got != test.want || conn.Protocol() != test.want {
			t.Errorf("%q offered to %q: %q at the listener and %q at the dialer, want %q", test.offers, test.has, got, conn.Protocol(), test.want)
		}
	}
}

// checkRefusal checks that a refusal gives both sides' protocols as its reason.
func checkRefusal(t *testing.T, err error, protocols []string) {
	t.Helper()
	if !errors.Is(err, mqtte2e.ErrRefused) || errors.Is(err, mqtte2e.ErrNoAnswer) || errors.Is(err, mqtte2e.ErrBroker) {
		t.Fatalf("refused: %v", err)
	}
	for _, protocol := range protocols {
		if !strings.Contains(err.Error(), strconv.Quote(protocol)) && !strings.Contains(err.Error(), protocol) {
			t.Errorf("no %q in: %v", protocol, err)
		}
	}
}

// TestFullBacklog dials more Conns than a Listener keeps for Accept.
func TestFullBacklog(t *testing.T) {
	const backlog = 1024
	config := newConfig()
	// On a busy machine a dial may last half of the default window. It then says
	// hello anew, and what the listener keeps for the first hello takes a place.
	config.TimeWindow = time.Hour
	dialer, listener := endpoints(t, mqtttest.Broker(t), config)
	var dialing sync.WaitGroup
	for range 64 {
		dialing.Go(func() {
			for range backlog / 64 {
				if _, err := dialer.Dial(t.Context(), "test"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	dialing.Wait()
	// The last of them has to prove itself, or would make room. Its first packet goes
	// behind one PROBE at most, and before the second.
	for range 2 {
		if _, err := dialer.Ping(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
	}
	defer dialer.Close() // while the listener is there to take leave of
	_, err := dialer.Dial(t.Context(), "test")
	if !errors.Is(err, mqtte2e.ErrRefused) || !strings.Contains(err.Error(), "try again later") {
		t.Errorf("one more: %v", err)
	}
	if _, err := listener.Accept(); err != nil {
		t.Fatal(err)
	}
	if _, err := dialer.Dial(t.Context(), "test"); err != nil {
		t.Errorf("one more after an Accept: %v", err)
	}
}

// TestBadArguments checks that mistakes are reported before anything is sent.
func TestBadArguments(t *testing.T) {
	config := newConfig()
	config.DialContext = func(context.Context, string, string) (net.Conn, error) {
		t.Error("the broker is dialed")
		return nil, errTest
	}
	noKey := *config
	noKey.Key = mqtte2e.Key{}
	for _, test := range []struct {
		address string
		config  *mqtte2e.Config
		want    string
	}{
		{"mqtt://h#x", nil, "Config is nil"},
		{"mqtt://h#x", &noKey, "Config.Key is zero"},
		{"mqtt://h#a/b", config, "name"},
		{"mqtt://h#" + strings.Repeat("x", 64), config, "63"},
		{"h:1883#x", config, "mqtt://"},
		{"", config, "mqtt://"},
		{"http://h#x", config, "mqtt"},
		{"mqtt://h:99999#x", config, "port"},
		{"mqtt://u:hunter2@h/path#x", config, "path"},
		{"mqtt://u:hunter2@a,mqtt://b:99999#x", config, "second broker"},
		{"mqtt://u:hunter2@a#y,mqtt://b#x", config, "at the end"},
	} {
		_, dialErr := mqtte2e.Dial(t.Context(), test.address, test.config)
		_, listenErr := mqtte2e.Listen(t.Context(), test.address, test.config)
		for _, err := range []error{dialErr, listenErr} {
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%.40q: %v, want %q in it", test.address, err, test.want)
			}
		}
	}
	e := endpoint(t, "mqtt://h", config)
	for _, call := range []func() error{
		func() error { _, err := e.Dial(t.Context(), "a/b"); return err },
		func() error { _, err := e.Listen(t.Context(), "a/b"); return err },
		func() error { _, err := e.Ping(t.Context(), "a/b"); return err },
		func() error { _, err := e.DialContext(t.Context(), "tcp", "a/b:80"); return err },
		func() error { _, err := e.DialContext(t.Context(), "udp", "a:80"); return err },
		func() error { _, err := e.Dial(t.Context(), "a", strings.Repeat("p", 256)); return err },
		func() error { _, err := e.Listen(t.Context(), "a", strings.Repeat("p", 256)); return err },
		func() error { _, err := endpoint(t, "mqtt://h#x", config).Dial(t.Context(), "a"); return err },
		func() error { _, err := endpoint(t, "mqtt://h", nil).Dial(t.Context(), "a"); return err },
	} {
		if err := call(); err == nil || errors.Is(err, mqtte2e.ErrBroker) || errors.Is(err, errTest) {
			t.Errorf("got %v", err)
		}
	}
}
