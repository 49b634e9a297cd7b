package main

import (
	"context"
	"net/url"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/content"
)

const (
	// namedTime is how long a measurement over a named broker should take: long enough for a window to grow over a far link.
	namedTime = 5 * time.Second

	// namedTrial is what is moved to find out how fast it is, in bytes.
	namedTrial = 1 << 20

	// namedLargest is the largest payload that a named broker gets, in bytes: some services hang up beyond 64 KiB.
	namedLargest = 60 << 10
)

// namedBroker returns a broker that somebody else runs.
func namedBroker(address string) *broker {
	name := "the broker of -broker"
	if u, err := url.Parse(address); err == nil {
		name = u.Scheme + "://" + u.Host // without user, password and query
	}
	return &broker{name: name, named: address}
}

// namedPlan lists the measurements of Conns, of sizes that take about namedTime each.
func (b *broker) namedPlan(ctx context.Context) ([]measurement, error) {
	elapsed, err := b.connTransfer(ctx, "", payloads[standard].size, writeSize, namedTrial)
	if err != nil {
		return nil, err
	}
	scaled := func(length int64) int64 {
		return max(min(length, int64(namedTrial*namedTime.Seconds()/elapsed.Seconds())), namedTrial/8)
	}
	times, err := b.idleEcho(ctx, content.At(0, echoSize), 2)
	if err != nil {
		return nil, err
	}
	n := max(min(2000, int(namedTime/times[1])), 20)
	var list []measurement
	for _, p := range payloads {
		if p.size > namedLargest {
			continue
		}
		list = append(list, throughputOf("Conn "+p.name, scaled(p.length), func(ctx context.Context, length int64) (time.Duration, error) {
			return b.connTransfer(ctx, "", p.size, writeSize, length)
		}))
	}
	size := payloads[standard].size
	list = append(list,
		throughputOf("mux 32 KiB", scaled(512<<20), func(ctx context.Context, length int64) (time.Duration, error) {
			return b.muxTransfer(ctx, size, length)
		}),
		throughputOf("Conn 64-byte writes", scaled(64<<20), func(ctx context.Context, length int64) (time.Duration, error) {
			return b.connTransfer(ctx, "", size, 64, length)
		}))
	list = append(list, b.severalPlan(scaled(512<<20))...)
	return append(list,
		roundTripOf("Conn", func(ctx context.Context) ([]time.Duration, error) { return b.idleEcho(ctx, content.At(0, echoSize), n) }),
		roundTripOf("Conn beside a transfer", func(ctx context.Context) ([]time.Duration, error) {
			return b.loadedEcho(ctx, content.At(0, echoSize), n/4, scaled(growth))
		}),
		b.handshakesPlan(max(dialersAtOnce, n/5))), nil
}
