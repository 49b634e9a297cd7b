package engine

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// epoch returns the key epoch of the next packet that a resting Conn sends.
func epoch(c *Conn) uint64 {
	simtest.Wait()
	return c.sealer.Next(time.Now()) >> c.engine.config.EpochBits
}

// TestKeysChangeUnderReordering moves data on paths that lose, repeat and
// reorder, while keys change every 256 packets.
func TestKeysChangeUnderReordering(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		bad := func(c *Config) {
			c.EpochBits, c.MaxMessageSize = 8, 1<<10
			c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := w.broker.DialContext(ctx, network, address)
				return simtest.Faulty(conn, simtest.FaultConfig{Seed: 1, Loss: 0.01, Duplicate: 0.05, Reorder: 0.05, Delay: time.Millisecond}), err
			}
		}
		dialed, accepted := w.pair(bad)
		sendAndCompare(t, dialed, accepted, 2<<20)
		sendAndCompare(t, accepted, dialed, 2<<20)
		for _, c := range []*Conn{dialed, accepted} {
			stats, _, _ := c.Stats()
			if n := epoch(c); n < 8 || n != stats.PacketsSent>>8 {
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
		client, l := w.engine(), w.listen(w.engine())
		idle, idleThere := w.connect(client, l)
		otherClient := w.engine()
		busy, busyThere := w.connect(otherClient, w.listenTo(w.engine(), "busy"))
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
