package message

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func dialAt(tb testing.TB, address string, config Config) *Session {
	tb.Helper()
	s, err := Dial(tb.Context(), address, &config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// echo sends back what it receives, until the Session is closed.
func echo(s *Session) {
	for {
		m, err := s.Receive(context.Background())
		if err == nil {
			err = s.Send(context.Background(), m.Bytes)
		}
		if err != nil && !errors.Is(err, mqtte2e.ErrBroker) {
			return
		}
	}
}

// TestMosquittoRestart exchanges messages over a real broker, kills and restarts it, and goes on with the same Sessions.
func TestMosquittoRestart(t *testing.T) {
	mosquitto := simtest.Mosquitto(t)
	device := dialAt(t, mosquitto.Address, Config{Keys: []mqtte2e.Key{testKey}, Publish: "iot/x", Subscribe: "controller"})
	controller := dialAt(t, mosquitto.Address, Config{Keys: []mqtte2e.Key{testKey}, Publish: "controller", Subscribe: "iot/#"})
	go echo(device)
	for range 3 {
		askUntilAnswered(t, controller)
		mosquitto.Restart()
	}
	askUntilAnswered(t, controller)
	for name, s := range map[string]*Session{"device": device, "controller": controller} {
		if stats := s.Stats(); stats.Reconnects != 3 || stats.Forged+stats.Malformed+stats.WrongTime+stats.Replayed != 0 {
			t.Errorf("%s: %+v", name, stats)
		}
	}
}

// askUntilAnswered asks again where question or answer was lost, as users must.
func askUntilAnswered(t *testing.T, s *Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if err := s.Send(ctx, []byte("ping")); err != nil && !errors.Is(err, mqtte2e.ErrBroker) {
			t.Fatal(err)
		}
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		m, err := s.Receive(attempt)
		cancel()
		if err == nil && string(m.Bytes) == "ping" {
			return
		}
	}
	t.Fatal("no answer for a minute")
}

// BenchmarkSessionMemory measures the memory of a Session that is connected and has exchanged a message: heap and stacks, bytes. The
// broker is another process.
func BenchmarkSessionMemory(b *testing.B) {
	mosquitto := simtest.Mosquitto(b)
	for b.Loop() {
		const sessions = 50
		before := memoryInUse()
		var all []*Session
		for range sessions {
			config := Config{Keys: []mqtte2e.Key{mqtte2e.NewKey()}, Publish: "x", Subscribe: "y"}
			s, err := Dial(b.Context(), mosquitto.Address, &config)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Send(b.Context(), hundredBytes); err != nil {
				b.Fatal(err)
			}
			all = append(all, s)
		}
		b.ReportMetric(float64(memoryInUse()-before)/sessions, "B/session")
		for _, s := range all {
			s.Close()
		}
	}
}

func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
