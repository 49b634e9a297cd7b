package link

import (
	"log/slog"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// inFlight is how many messages the benchmarks keep on the way, as the table in the design does.
const inFlight = 32

// pump is a Source that keeps inFlight messages of one size on the way from a link to itself.
type pump struct {
	link       *Link
	size       int
	sent, seen atomic.Int64
	last       int64         // the number of messages to send
	done       chan struct{} // closed when the last one has arrived
}

func (p *pump) Fill(batch *Batch, _ time.Time) {
	for p.sent.Load() < p.last && p.sent.Load()-p.seen.Load() < inFlight && !batch.Full() {
		batch.Publish("loop")
		batch.Commit(p.size)
		p.sent.Add(1)
	}
}

func (p *pump) handle(_, _ []byte, _ time.Time) {
	if p.seen.Add(1) == p.last {
		close(p.done)
	}
	p.link.Wake()
}

func (p *pump) Up(time.Time)         {}
func (p *pump) Down(time.Time, bool) {}

func BenchmarkThroughMosquitto(b *testing.B) {
	u, err := url.Parse(simtest.Mosquitto(b).Address)
	if err != nil {
		b.Fatal(err)
	}
	benchmarkThrough(b, address.Broker{Scheme: "mqtt", Host: u.Host})
}

func BenchmarkThroughEmbeddedBroker(b *testing.B) {
	benchmarkThrough(b, address.Broker{Scheme: "mqtt", Host: startBroker(b, broker.Config{}, (*broker.Broker).Listen)})
}

// benchmarkThrough measures messages through a broker and back.
func benchmarkThrough(b *testing.B, address address.Broker) {
	for name, size := range map[string]int{"1KiB": 1 << 10, "16KiB": 16 << 10, "60KiB": 60 << 10, "256KiB": 256 << 10} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			p := &pump{size: size, last: int64(b.N), done: make(chan struct{})}
			p.link = New(Config{Broker: address, MaxPayload: size, Logger: slog.New(slog.DiscardHandler)}, p)
			defer p.link.Close()
			if err := p.link.Subscribe(b.Context(), "loop", p.handle); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			if err := p.link.Connect(b.Context()); err != nil {
				b.Fatal(err)
			}
			<-p.done
		})
	}
}
