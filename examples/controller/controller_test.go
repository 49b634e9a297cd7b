package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/examples/device/iot"
	"github.com/mqtt-e2e/mqtte2e/internal/leaktest"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/message"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// script is a prompt whose lines a test types.
type script struct {
	lines chan string

	mu      sync.Mutex
	printed strings.Builder
	changed sync.Cond
}

func newScript() *script {
	s := &script{lines: make(chan string)}
	s.changed.L = &s.mu
	return s
}

func (s *script) ReadLine() (string, error) {
	line, more := <-s.lines
	if !more {
		return "", io.EOF
	}
	return line, nil
}

func (s *script) Interactive() bool { return true }

func (s *script) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
	return s.printed.Write(text)
}

// take returns what was printed since the last take.
func (s *script) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.printed.Reset()
	return s.printed.String()
}

// waitFor waits until text was printed.
func (s *script) waitFor(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.printed.String(), text) {
		s.changed.Wait()
	}
}

// field is a controller with devices around one embedded broker, in virtual time.
type field struct {
	*testing.T
	broker *simtest.EmbeddedBroker
	*script
	keys []iot.NamedKey
}

// inField runs f with a controller for keys, which devices must hold that start starts.
func inField(t *testing.T, keys []iot.NamedKey, start func(f *field), f func(f *field)) {
	t.Helper()
	simtest.Run(t, func(t *testing.T) {
		d := &field{t, simtest.Broker(t), newScript(), keys}
		start(d)
		session := d.dial(iot.ControllerConfig(justKeys(keys)...))
		ended := make(chan error)
		go func() { ended <- newController(session, keys, d).run(t.Context(), d) }()
		simtest.Wait()
		if got := d.take(); got != help {
			t.Errorf("at the start it printed %q", got)
		}
		f(d)
		close(d.lines)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (f *field) dial(config message.Config) *message.Session {
	f.Helper()
	config.DialContext = f.broker.DialContext
	session, err := message.Dial(f.Context(), simtest.Address, &config)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { session.Close() })
	return session
}

func (f *field) startDevice(name string, key mqtte2e.Key) {
	f.Helper()
	session := f.dial(iot.DeviceConfig(name, key))
	go iot.Serve(f.Context(), session, name)
}

// typed types a line and returns what is printed in answer.
func (f *field) typed(line string) string {
	f.lines <- line
	simtest.Wait()
	return f.take()
}

// wantAnswers checks that each of names answered pong, once and in no time.
func (f *field) wantAnswers(printed string, names []string) {
	f.Helper()
	if got := strings.Count(printed, "\n"); got != len(names) {
		f.Errorf("%d lines, want %d", got, len(names))
	}
	for _, name := range names {
		if strings.Count("\n"+printed, "\n"+name+" after 0s: pong\n") != 1 {
			f.Errorf("no answer, or several, from %s in\n%s", name, printed)
		}
	}
}

func fiftyNames() []string {
	names := make([]string, 50)
	for i := range names {
		names[i] = fmt.Sprintf("device%02d", i)
	}
	return names
}

// TestFiftyDevices asks 50 devices, each with a key of its own, and then one of them.
func TestFiftyDevices(t *testing.T) {
	names := fiftyNames()
	var keys []iot.NamedKey
	for _, name := range names {
		keys = append(keys, iot.NamedKey{Name: name, Key: mqtte2e.NewKey()})
	}
	inField(t, keys, func(f *field) {
		for _, k := range keys {
			f.startDevice("same-for-all", k.Key)
		}
	}, func(f *field) {
		f.wantAnswers(f.typed("ping"), names)
		f.wantAnswers(f.typed("  ping "), names)
		f.wantAnswers(f.typed("@device31 ping"), names[31:32])
		if got := f.typed("@device99 ping"); !strings.Contains(got, `"device99"`) || strings.Contains(got, "pong") {
			f.Errorf("to a device that there is not: %q", got)
		}
	})
}

// TestFiftyDevicesWithOneKey: the topic tells them apart.
func TestFiftyDevicesWithOneKey(t *testing.T) {
	names, key := fiftyNames(), mqtte2e.NewKey()
	inField(t, []iot.NamedKey{{Key: key}}, func(f *field) {
		for _, name := range names {
			f.startDevice(name, key)
		}
	}, func(f *field) { f.wantAnswers(f.typed("ping"), names) })
}

// TestBogus shows that a device refuses all seven bogus packets and says so in its status.
func TestBogus(t *testing.T) {
	key := mqtte2e.NewKey()
	inField(t, []iot.NamedKey{{Key: key}}, func(f *field) { f.startDevice("kitchen", key) }, func(f *field) {
		f.wantAnswers(f.typed("bogus"), []string{"kitchen"})
		want := "kitchen after 0s: Name=kitchen\n    Uptime=0s\n    Refused: forged=1 malformed=2 version=1 time=2 replayed=1 oversize=0\n"
		if got := f.typed("status"); got != want {
			f.Errorf("status is %q, want %q", got, want)
		}
		if got := f.typed("stats"); !strings.Contains(got, "Sent:9 Received:2 ") {
			f.Errorf("stats are %q", got)
		}
		if got := f.typed("help"); got != help {
			f.Errorf("help is %q", got)
		}
		if got := f.typed("something else") + f.typed(""); got != "" {
			f.Errorf("in answer to nothing: %q", got)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	inField(t, []iot.NamedKey{{Key: mqtte2e.NewKey()}}, func(f *field) {}, func(f *field) {
		f.lines <- "ping"
		f.waitFor("nobody has answered for 3s")
		f.take()
		f.broker.Stop()
		simtest.Wait() // until the session knows
		f.lines <- "ping"
		f.waitFor("not connected")
	})
}

// TestHostileNames: neither a device nor the broker steers the terminal.
func TestHostileNames(t *testing.T) {
	key := mqtte2e.NewKey()
	inField(t, []iot.NamedKey{{Key: key}}, func(f *field) {}, func(f *field) {
		device := f.dial(iot.DeviceConfig("\x1b[2Jx", key))
		if err := device.Send(f.Context(), []byte("\x1b]0;title\a\xff\r\nsecond line\n")); err != nil {
			f.Fatal(err)
		}
		simtest.Wait()
		if got, want := f.take(), "\ufffd[2Jx: \ufffd]0;title\ufffd\ufffd\ufffd\n    second line\n"; got != want {
			f.Errorf("printed %q, want %q", got, want)
		}
	})
}

// TestProgram runs the program as it is without flags: with its own broker and three devices.
func TestProgram(t *testing.T) {
	s := newScript()
	ended := make(chan error)
	go func() { ended <- run(t.Context(), nil, s, io.Discard) }()
	s.waitFor("The broker is mqtt://127.0.0.1:")
	s.lines <- "ping"
	for _, name := range []string{"kitchen", "garage", "attic"} {
		s.waitFor("\n" + name + " after ")
	}
	s.lines <- "quit"
	close(s.lines)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWrongArguments(t *testing.T) {
	t.Setenv("MQTT_E2E_KEY_FILE", "")
	for _, arguments := range [][]string{
		{"-broker", "mqtt://127.0.0.1:1"},
		{"-key-file", "testdata/missing.key"},
		{"-no-such-flag"},
	} {
		if err := run(t.Context(), arguments, newScript(), io.Discard); err == nil {
			t.Errorf("%q: no error", arguments)
		}
	}
}
