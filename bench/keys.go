package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// manyKeys is how many keys one Listener serves, and manyDevices how many an operator reaches, each under its own key.
const (
	manyKeys    = 1000
	manyDevices = 5000
)

// keysPlan measures what many keys cost: at one Listener, and of a fleet's operator. shorter divides how many.
func (b *broker) keysPlan(n, shorter int) []measurement {
	return []measurement{
		{"handshakes, many keys", func(ctx context.Context, add func(string, string, float64)) error {
			elapsed, err := b.handshakesOfMany(ctx, n, manyKeys/shorter)
			add("handshakes, many keys", perSecond, float64(n)/elapsed.Seconds())
			return err
		}},
		{"fleet", func(ctx context.Context, add func(string, string, float64)) error {
			elapsed, bytes, err := b.fleet(ctx, manyDevices/shorter)
			add("dials of a fleet", perSecond, float64(manyDevices/shorter)/elapsed.Seconds())
			add("memory of a device's Conn and key", kibibytes, bytes/(1<<10))
			return err
		}},
	}
}

// handshakesOfMany is handshakes with a Listener that serves so many keys.
func (b *broker) handshakesOfMany(ctx context.Context, n, keys int) (time.Duration, error) {
	e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
	if err != nil {
		return 0, err
	}
	defer e.close()
	all := []mqtte2e.Key{e.dialer.Config.Key}
	for len(all) < keys {
		all = append(all, mqtte2e.NewKey())
	}
	if err := e.listener.SetKeys(all...); err != nil {
		return 0, err
	}
	return e.dialAndClose(ctx, n)
}

// fleet dials so many devices, each under its own key, and returns how long that took, and how much memory the
// operator's end and the device's take for each. The devices share a process, and so an Endpoint.
func (b *broker) fleet(ctx context.Context, devices int) (time.Duration, float64, error) {
	config := &mqtte2e.Config{Key: mqtte2e.NewKey(), Fleet: true, TLSConfig: b.tls}
	operator := &mqtte2e.Endpoint{Broker: b.address("mqtt"), Config: config}
	there := &mqtte2e.Endpoint{Broker: b.address("mqtt"), Config: config}
	defer operator.Close()
	defer there.Close()
	for i := range devices {
		listener, err := there.Listen(ctx, deviceName(i))
		if err != nil {
			return 0, 0, err
		}
		go listener.Accept()
	}
	before, start := memoryInUse(), time.Now()
	errs := make([]error, dialersAtOnce)
	var all sync.WaitGroup
	for i := range dialersAtOnce {
		all.Go(func() {
			for n := i; n < devices && errs[i] == nil; n += dialersAtOnce {
				_, errs[i] = operator.Dial(ctx, deviceName(n))
			}
		})
	}
	all.Wait()
	elapsed := time.Since(start)
	return elapsed, float64(memoryInUse()-before) / float64(devices), errors.Join(errs...)
}

func deviceName(i int) string { return fmt.Sprint("device-", i) }
