package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A logbook collects what an Engine logs.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logbook) use(c *Config) { c.Logger = slog.New(slog.NewTextHandler(b, nil)) }

// warnings returns the lines that are warnings.
func (b *logbook) warnings() (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.text.String()) {
		if strings.Contains(line, "level=WARN") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestTwoListenersUnderOneName(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		first, second := w.engine(), w.engine()
		listeners := []*Listener{w.listen(first), w.listen(second)}
		var log logbook
		dialed := w.dial(w.engine(log.use))
		simtest.Wait()
		var accepted *Conn
		for _, l := range listeners {
			n := entries(l.engine)
			if n["waiting"] == 1 {
				accepted, _ = l.Accept()
			} else if n["half-open"] != 1 {
				t.Errorf("the other listener has %v", n)
			}
		}
		w.exchange(dialed, accepted)
		if lines := log.warnings(); len(lines) != 1 || !strings.Contains(lines[0], "second listener") {
			t.Errorf("warnings: %q", lines)
		}

		// One that ends and comes back does not disturb the Conn with the other.
		other := second
		if accepted.engine == second {
			other = first
		}
		w.cut(other)
		w.exchange(dialed, accepted)
		w.mend(other)
		time.Sleep(time.Minute)
		w.exchange(dialed, accepted)
		if n := entries(other); n["half-open"] != 0 || n["Conns"] != 0 {
			t.Errorf("the other listener still has %v", n)
		}
	})
}

// TestSecondAnswerReplayed must not fill the log.
func TestSecondAnswerReplayed(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(w.engine())
		w.listen(w.engine())
		var log logbook
		e := w.engine(log.use)
		w.record()
		w.dial(e)
		simtest.Wait()
		intruder := w.intruder()
		for range 10 {
			for _, m := range w.recorded() {
				if _, ok := w.envelope(m).(handshake.Answer); ok {
					intruder.publish(m.topic, m.payload)
				}
			}
		}
		simtest.Wait()
		if lines := log.warnings(); len(lines) != 1 {
			t.Errorf("warnings: %q", lines)
		}
	})
}

// TestSecondListenerDisturbsNobody starts one under the same name.
func TestSecondListenerDisturbsNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		w.listen(w.engine())
		time.Sleep(time.Minute)
		w.exchange(dialed, accepted)
		if n := entries(dialed.engine); n["checks"] != 0 {
			t.Errorf("questions are left open: %v", n)
		}
	})
}
