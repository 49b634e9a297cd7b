package engine

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// numbers remembers the number of the last packet that each Conn sent, as the trace
// tells them.
type numbers struct {
	slog.Handler
	mu   sync.Mutex
	last map[string]uint64 // by the Conn's name in logs
}

func (n *numbers) Enabled(context.Context, slog.Level) bool { return true }

func (n *numbers) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "packet sent" {
		return nil
	}
	var conn string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "conn":
			conn = a.Value.String()
		case "number":
			n.mu.Lock()
			defer n.mu.Unlock()
			n.last[conn] = a.Value.Uint64()
		}
		return true
	})
	return nil
}

// traced lets an Engine tell the numbers of its packets.
func traced(c *Config) {
	c.Logger = slog.New(&numbers{Handler: slog.DiscardHandler, last: make(map[string]uint64)})
}

// epoch returns the key epoch of the packet after the last one that a resting Conn
// of a traced Engine sent.
func epoch(c *Conn) uint64 {
	simtest.Wait()
	n := c.engine.config.Logger.Handler().(*numbers)
	n.mu.Lock()
	defer n.mu.Unlock()
	return (n.last[c.LogName()] + 1) >> c.engine.config.epochBits
}

// TestKeysChangeUnderReordering moves data on paths that lose, repeat and
// reorder, while keys change every 256 packets.
func TestKeysChangeUnderReordering(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		bad := func(c *Config) {
			traced(c)
			c.epochBits, c.MaxMessageSize = 8, 1<<10
			c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := w.broker.DialContext(ctx, network, address)
				return simtest.Faulty(conn, simtest.FaultConfig{Seed: 1, Loss: 0.01, Duplicate: 0.05, Reorder: 0.05, Delay: time.Millisecond}), err
			}
		}
		dialed, accepted := w.pair(bad)
		sendAndCompare(t, dialed, accepted, 2<<20)
		sendAndCompare(t, accepted, dialed, 2<<20)
		for _, c := range []*Conn{dialed, accepted} {
			n := epoch(c) // which waits until everything is sent
			stats := c.Stats()
			if n < 8 || n != stats.PacketsSent>>8 {
				t.Errorf("%d packets were sent and the epoch is %d", stats.PacketsSent, n)
			}
		}
	})
}

// TestKeysChangeByTheHour has an idle Conn, which sends probes only, and a busy
// one.
func TestKeysChangeByTheHour(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client, l := w.engine(traced), w.listen(w.engine(traced))
		idle, idleThere := w.connect(client, l)
		otherClient := w.engine(traced)
		busy, busyThere := w.connect(otherClient, w.listenTo(w.engine(traced), "busy"))
		const hours = 2
		for range hours * 360 {
			w.exchange(busy, busyThere)
			time.Sleep(10 * time.Second)
		}
		for name, c := range map[string]*Conn{"idle": idle, "idle there": idleThere, "busy": busy, "busy there": busyThere} {
			if n := epoch(c); n < hours-1 || n > hours {
				t.Errorf("%s: epoch %d after %d hours", name, n, hours)
			}
		}
		w.exchange(idle, idleThere)
		w.exchange(busy, busyThere)
	})
}

// TestKeysAfterHoursOfSilence drops everything for hours, during which both ends
// keep trying. They must not run ahead of each other by more than an epoch.
func TestKeysAfterHoursOfSilence(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair(timeout(0))
		w.exchange(dialed, accepted)
		time.Sleep(59 * time.Minute)
		w.set(refuse)
		dialed.Write([]byte("over and out"))
		accepted.Write([]byte("over and out"))
		time.Sleep(130 * time.Minute)
		w.set(nil)
		for _, c := range []*Conn{dialed, accepted} {
			if n, err := c.Read(make([]byte, 100)); n != 12 || err != nil {
				t.Errorf("read %d bytes, %v", n, err)
			}
		}
		w.exchange(dialed, accepted)
	})
}
