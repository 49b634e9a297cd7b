package engine

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestChaos moves data both ways over paths that lose, repeat, reorder, delay
// and corrupt messages, while cables are cut and the broker restarts. Each end
// then closes its stream, and reads the other's to its authentic end.
func TestChaos(t *testing.T) {
	for seed := range uint64(scaled(60)) {
		simtest.Run(t, func(t *testing.T) { chaos(t, seed) })
	}
}

func chaos(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	bad := func(c *Config) {
		faults := simtest.FaultConfig{
			Loss: 0.05 * random.Float64(), Duplicate: 0.05 * random.Float64(), Reorder: 0.05 * random.Float64(),
			Corrupt: 0.02 * random.Float64(), Delay: time.Duration(random.IntN(30)) * time.Millisecond,
		}
		c.MaxMessageSize = 512 << random.IntN(8)
		c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := w.broker.DialContext(ctx, network, address)
			return simtest.Faulty(conn, faults), err
		}
	}
	dialed, accepted := w.pair(bad)
	ends := [2]*Conn{dialed, accepted}
	stop := make(chan struct{})
	stopped := make(chan struct{})
	plan := rand.New(rand.NewPCG(seed, 2))
	go func() {
		defer close(stopped)
		w.breakThings(plan, ends, stop)
	}()
	done := make(chan struct{})
	for _, way := range [][2]*Conn{{dialed, accepted}, {accepted, dialed}} {
		go func() {
			defer func() { done <- struct{}{} }()
			sendAndCompare(t, way[0], way[1], 1<<20)
			if err := way[0].CloseWrite(); err != nil {
				t.Errorf("seed %d: closing one way: %v", seed, err)
			}
			if got, err := io.ReadAll(readerOf{way[1]}); len(got) != 0 || err != nil {
				t.Errorf("seed %d: at the end came %d bytes, %v", seed, len(got), err)
			}
		}()
	}
	<-done
	<-done
	close(stop)
	<-stopped
	for _, c := range ends {
		c.Close()
	}
	accepted.origin.listener.Close()
	time.Sleep(maxLinger + timeWaitLife)
	simtest.Wait()
	for i, c := range ends {
		if n := entries(c.engine); len(n) != 0 {
			t.Errorf("seed %d: end %d still has %v", seed, i, n)
		}
	}
}

// breakThings cuts cables and restarts the broker twenty times, and leaves all
// whole.
func (w *world) breakThings(random *rand.Rand, ends [2]*Conn, stop <-chan struct{}) {
	pause := func(longest time.Duration) {
		select {
		case <-time.After(time.Duration(random.Int64N(int64(longest)))):
		case <-stop:
		}
	}
	for range 20 {
		pause(2 * time.Second)
		if what := random.IntN(3); what < 2 {
			e := ends[what].engine
			w.cut(e)
			pause(3 * time.Second)
			w.mend(e)
		} else {
			w.broker.Stop()
			pause(3 * time.Second)
			w.broker.Start()
		}
	}
}
