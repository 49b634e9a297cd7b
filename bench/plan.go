package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"time"
)

// Units of what is measured.
const (
	megabytes = "MB/s" // of application data, 10^6 bytes
	micros    = "µs"
	millis    = "ms"
	perSecond = "1/s"
	kibibytes = "KiB"
)

// payload is a size of MQTT payloads and how much a transfer of them moves: enough to take some tenths of a second.
type payload struct {
	name   string
	size   int   // bytes; also Config.MaxMessageSize
	length int64 // bytes
}

var payloads = []payload{
	{"1 KiB", 1 << 10, 32 << 20},
	{"16 KiB", 16 << 10, 256 << 20},
	{"32 KiB", 32 << 10, 512 << 20},
	{"60 KiB", 60 << 10, 512 << 20},
	{"256 KiB", 256 << 10, 512 << 20},
}

// smallPayload is what Mosquitto hands over at once to a WebSocket client, bytes.
const smallPayload = 4000

// standard is the payload of Config's default.
const standard = 2

// measurement is one client doing one thing. run reports what it measured to add, under the keys that figures.go names.
type measurement struct {
	name string
	run  func(ctx context.Context, add func(key, unit string, value float64)) error
}

// plan lists the measurements of one round in their order. What is compared stands side by side.
func (b *broker) plan(quick bool) []measurement {
	shorter := int64(1)
	if quick {
		shorter = 8
	}
	var list []measurement
	throughput := func(key string, length int64, f func(ctx context.Context, length int64) (time.Duration, error)) {
		list = append(list, throughputOf(key, length/shorter, f))
	}
	for _, p := range payloads {
		throughput("bare "+p.name, p.length, func(ctx context.Context, length int64) (time.Duration, error) {
			return b.bareTransfer(ctx, "mqtt", p.size, length)
		})
		throughput("Conn "+p.name, p.length, func(ctx context.Context, length int64) (time.Duration, error) {
			return b.connTransfer(ctx, "mqtt", p.size, writeSize, length)
		})
		throughput("mux "+p.name, p.length, func(ctx context.Context, length int64) (time.Duration, error) {
			return b.muxTransfer(ctx, p.size, length)
		})
		pahoLength := p.length
		if p.size < 16<<10 {
			pahoLength /= 8 // its subscriber waits for delayed acknowledgements
		}
		throughput("paho "+p.name, pahoLength, func(ctx context.Context, length int64) (time.Duration, error) {
			return b.pahoTransfer(ctx, p.size, length)
		})
	}
	size := payloads[standard].size
	for _, scheme := range []string{"mqtts", "ws", mosquittoWS} {
		if b.hosts[scheme] == "" {
			continue
		}
		bareSize := size
		if scheme == mosquittoWS {
			bareSize = smallPayload // a Conn finds that out by itself
		}
		throughput("bare "+scheme, 256<<20, func(ctx context.Context, length int64) (time.Duration, error) {
			return b.bareTransfer(ctx, scheme, bareSize, length)
		})
		throughput("Conn "+scheme, 256<<20, func(ctx context.Context, length int64) (time.Duration, error) {
			return b.connTransfer(ctx, scheme, size, writeSize, length)
		})
	}
	throughput("Conn 64-byte writes", 64<<20, func(ctx context.Context, length int64) (time.Duration, error) {
		return b.connTransfer(ctx, "mqtt", size, 64, length)
	})
	list = append(list, b.severalPlan(512<<20/shorter)...)
	list = append(list, b.latencyPlan(int(2000/shorter))...)
	list = append(list, b.lifePlan(int(400/shorter))...)
	return append(list, b.keysPlan(int(400/shorter), int(shorter))...)
}

// throughputOf measures how fast f moves so many bytes.
func throughputOf(key string, length int64, f func(ctx context.Context, length int64) (time.Duration, error)) measurement {
	return measurement{key, func(ctx context.Context, add func(string, string, float64)) error {
		elapsed, err := f(ctx, length)
		add(key, megabytes, float64(length)/1e6/elapsed.Seconds())
		return err
	}}
}

// runPlan runs the rounds, each measurement once a round, so that a change of the machine's speed meets all of them.
func runPlan(ctx context.Context, plan []measurement, rounds int, only *regexp.Regexp, progress io.Writer) (*results, error) {
	r := newResults()
	for round := range rounds {
		for _, m := range plan {
			if !only.MatchString(m.name) {
				continue
			}
			runtime.GC() // nobody pays for the garbage of the one before
			fmt.Fprintf(progress, "\rround %d of %d: %-40s", round+1, rounds, m.name)
			if err := m.run(ctx, r.add); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	fmt.Fprintf(progress, "\r%60s\r", "")
	return r, nil
}
