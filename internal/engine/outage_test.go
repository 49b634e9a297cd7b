package engine

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// recovery is how soon after the broker's return data has to flow again.
const recovery = 2 * time.Second

// TestDataFlowsSoonAfterAnOutage stops the broker for up to a minute, with data
// on its way in both directions, on a path with and without delay.
func TestDataFlowsSoonAfterAnOutage(t *testing.T) {
	var slowest time.Duration
	for seed := range uint64(scaled(60)) {
		simtest.Run(t, func(t *testing.T) {
			for i, took := range outage(t, seed) {
				slowest = max(slowest, took)
				if took > recovery {
					t.Errorf("seed %d, end %d: data flows %v after the broker's return", seed, i, took)
				}
			}
		})
	}
	t.Logf("data flowed %v after the broker's return at the latest", slowest)
}

// outage returns how long after the broker's return the first byte reached
// each end.
func outage(t *testing.T, seed uint64) (took [2]time.Duration) {
	random := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	slow := func(c *Config) {
		if seed%3 == 0 {
			c.Link.DialContext = delayed(w, time.Duration(1+random.IntN(60))*time.Millisecond)
		}
	}
	dialed, accepted := w.pair(slow)
	w.exchange(dialed, accepted)
	ends := [2]*Conn{dialed, accepted}
	first := make(chan int, 2) // the ends that data has reached
	down := make(chan struct{})
	var running sync.WaitGroup
	for i, c := range ends {
		running.Go(func() {
			for {
				if _, err := c.Write(make([]byte, 100)); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
		running.Go(func() {
			b := make([]byte, 1000)
			told := false
			for {
				if _, err := c.Read(b); err != nil {
					return
				}
				select {
				case <-down:
					if !told {
						told = true
						first <- i
					}
				default:
				}
			}
		})
	}
	time.Sleep(time.Duration(random.Int64N(int64(5 * time.Second))))
	w.broker.Stop()
	time.Sleep(time.Second) // what was on its way has arrived
	close(down)
	time.Sleep(time.Duration(random.Int64N(int64(59 * time.Second))))
	w.broker.Start()
	start := time.Now()
	for range ends {
		took[<-first] = time.Since(start)
	}
	for _, c := range ends {
		c.Close()
	}
	running.Wait()
	return took
}

// delayed returns a DialContext with a delay on what comes from the broker.
func delayed(w *world, delay time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := w.broker.DialContext(ctx, network, address)
		return simtest.Faulty(conn, simtest.FaultConfig{Delay: delay}), err
	}
}
