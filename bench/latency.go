package main

import (
	"context"
	"io"
	"net"
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

const (
	// echoSize is the payload of a round trip, in bytes: a keystroke with its frames.
	echoSize = 64

	// growth is what a transfer moves until its window has grown, in bytes.
	growth = 64 << 20
)

// latencyPlan measures round trips, n of each kind.
func (b *broker) latencyPlan(n int) []measurement {
	message := content.At(0, echoSize)
	kinds := []struct {
		name string
		echo func(ctx context.Context) ([]time.Duration, error)
	}{
		{"bare", func(ctx context.Context) ([]time.Duration, error) { return b.bareEcho(ctx, message, n) }},
		{"paho", func(context.Context) ([]time.Duration, error) { return b.pahoEcho(message, n) }},
		{"Conn", func(ctx context.Context) ([]time.Duration, error) { return b.idleEcho(ctx, message, n) }},
		{"Conn beside a transfer", func(ctx context.Context) ([]time.Duration, error) { return b.loadedEcho(ctx, message, n/4, growth) }},
	}
	var list []measurement
	for _, kind := range kinds {
		list = append(list, roundTripOf(kind.name, kind.echo))
	}
	return list
}

// roundTripOf measures what echo does.
func roundTripOf(name string, echo func(ctx context.Context) ([]time.Duration, error)) measurement {
	return measurement{"round trip, " + name, func(ctx context.Context, add func(string, string, float64)) error {
		times, err := echo(ctx)
		if err != nil {
			return err
		}
		slices.Sort(times)
		add("round trip, "+name+", median", micros, inMicros(times[len(times)/2]))
		add("round trip, "+name+", 99th percentile", micros, inMicros(times[len(times)*99/100]))
		return nil
	}}
}

func inMicros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// idleEcho measures a Conn on which nothing else happens.
func (b *broker) idleEcho(ctx context.Context, message []byte, n int) ([]time.Duration, error) {
	e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
	if err != nil {
		return nil, err
	}
	defer e.close()
	near, far, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return connEcho(near, far, message, n)
}

// loadedEcho measures a Conn beside another one of the same link that carries as much as it can, and has
// moved so many bytes.
func (b *broker) loadedEcho(ctx context.Context, message []byte, n int, grown int64) ([]time.Duration, error) {
	e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
	if err != nil {
		return nil, err
	}
	defer e.close()
	bulk, sink, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer flood(bulk, sink, grown)()
	near, far, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return connEcho(near, far, message, n)
}

// flood sends from one end of a Conn to the other for as long as it can, and returns once it has moved so many bytes.
func flood(from, to net.Conn, grown int64) (stop func()) {
	go send(from, writeSize, 1<<62)
	io.CopyN(io.Discard, to, grown)
	go io.Copy(io.Discard, to)
	return func() {
		from.SetDeadline(time.Now())
		to.Close()
	}
}
