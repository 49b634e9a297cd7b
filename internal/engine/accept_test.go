package engine

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// BenchmarkAccept dials, accepts and closes Conns, 64 at once between one Engine
// and one Listener, with the broker in the same process.
func BenchmarkAccept(b *testing.B) {
	broker := simtest.Broker(b)
	config := Config{
		Key: [16]byte{1}, PadSize: 50, TimeWindow: 10 * time.Second, MaxMessageSize: 60 << 10, PeerTimeout: 2 * time.Minute,
		Link:    link.Config{DialContext: broker.DialContext},
		Brokers: []address.Broker{{Scheme: "mqtt", Host: "broker.test:1883"}},
		Logger:  slog.New(slog.DiscardHandler),
	}
	client, server := New(config), New(config)
	defer server.Close()
	defer client.Close()
	l, err := server.Listen(context.Background(), testName, nil)
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	b.ResetTimer()
	var dialers sync.WaitGroup
	for i := range 64 {
		dialers.Go(func() {
			for n := i; n < b.N; n += 64 {
				c, err := client.Dial(context.Background(), testName, nil)
				if err != nil {
					b.Error(err)
					return
				}
				c.Close()
			}
		})
	}
	dialers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepts/s")
}
