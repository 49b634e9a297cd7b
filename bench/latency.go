package main

import (
	"context"
	"io"
	"net"
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

// echoSize is the payload of a round trip, in bytes: a keystroke with its frames.
const echoSize = 64

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
		{"Conn beside a transfer", func(ctx context.Context) ([]time.Duration, error) { return b.loadedEcho(ctx, message, n/4) }},
	}
	var list []measurement
	for _, kind := range kinds {
		list = append(list, measurement{"round trip, " + kind.name, func(ctx context.Context, add func(string, string, float64)) error {
			times, err := kind.echo(ctx)
			if err != nil {
				return err
			}
			slices.Sort(times)
			add("round trip, "+kind.name+", median", micros, inMicros(times[len(times)/2]))
			add("round trip, "+kind.name+", 99th percentile", micros, inMicros(times[len(times)*99/100]))
			return nil
		}})
	}
	return list
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

// loadedEcho measures a Conn beside another one of the same link that carries as much as it can.
func (b *broker) loadedEcho(ctx context.Context, message []byte, n int) ([]time.Duration, error) {
	e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
	if err != nil {
		return nil, err
	}
	defer e.close()
	bulk, sink, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer flood(bulk, sink)()
	near, far, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return connEcho(near, far, message, n)
}

// flood sends from one end of a Conn to the other for as long as it can, and returns once its window has grown.
func flood(from, to net.Conn) (stop func()) {
	go send(from, writeSize, 1<<62)
	io.CopyN(io.Discard, to, 64<<20)
	go io.Copy(io.Discard, to)
	return func() {
		from.SetDeadline(time.Now())
		to.Close()
	}
}
