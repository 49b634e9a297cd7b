package link

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestEverythingAtOnce lets the methods and a broker that comes and goes meet in many orders, for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		l := newTestLink(t, testAddress, embedded.DialContext)
		l.mustConnect(t)
		var workers sync.WaitGroup
		for worker := range 8 {
			workers.Go(func() {
				random := rand.New(rand.NewPCG(uint64(worker), 0))
				topic := fmt.Sprint("topic/", worker)
				for range 200 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(100))*time.Millisecond)
					if l.Subscribe(ctx, topic, l.handle) == nil {
						l.publish(topic, "x")
						l.Connect(ctx)
						l.Stats()
						l.Unsubscribe(topic)
					}
					cancel()
					time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond) // virtual
				}
			})
		}
		workers.Go(func() {
			for range 20 {
				time.Sleep(200 * time.Millisecond) // virtual
				embedded.Stop()
				embedded.Start()
			}
		})
		workers.Wait()
		for len(l.received) > 0 {
			<-l.received
		}
		l.mustSubscribe(t, "last")
		l.publish("last", "word")
		l.want(t, "last", "word")
	})
}

// TestLossReachesNobodyElse has a link receive through a faulty connection.
func TestLossReachesNobodyElse(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		embedded := simtest.Broker(t)
		l := newTestLink(t, testAddress, func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := embedded.DialContext(ctx, network, address)
			return simtest.Faulty(conn, simtest.FaultConfig{Seed: 1, Loss: 0.5, Duplicate: 0.1, Reorder: 0.1, Delay: time.Second}), err
		})
		l.mustSubscribe(t, "topic")
		l.mustConnect(t)
		for range 1000 {
			l.publish("topic", "x")
		}
		time.Sleep(time.Minute)
		if n := len(l.received); n < 450 || n > 650 || !l.IsUp() {
			t.Errorf("%d of 1000 messages arrive, up: %v", n, l.IsUp())
		}
	})
}
