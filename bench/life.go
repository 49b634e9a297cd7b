package main

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"
)

// dialersAtOnce is how many handshakes are under way at a time where their rate is measured.
const dialersAtOnce = 8

// lifePlan measures what Conns cost besides their data: n of them.
func (b *broker) lifePlan(n int) []measurement {
	return []measurement{
		b.handshakesPlan(n),
		{"memory of an idle Conn", func(ctx context.Context, add func(string, string, float64)) error {
			bytes, err := b.idleMemory(ctx, n)
			add("memory of an idle Conn", kibibytes, bytes/(1<<10))
			return err
		}},
		{"broker back to data flowing", func(ctx context.Context, add func(string, string, float64)) error {
			elapsed, err := b.outage(ctx)
			add("broker back to data flowing", millis, inMillis(elapsed))
			return err
		}},
	}
}

func (b *broker) handshakesPlan(n int) measurement {
	return measurement{"handshakes", func(ctx context.Context, add func(string, string, float64)) error {
		elapsed, err := b.handshakes(ctx, n)
		add("handshakes", perSecond, float64(n)/elapsed.Seconds())
		return err
	}}
}

// handshakes dials n Conns and closes each as soon as it is accepted.
func (b *broker) handshakes(ctx context.Context, n int) (time.Duration, error) {
	e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
	if err != nil {
		return 0, err
	}
	defer e.close()
	return e.dialAndClose(ctx, n)
}

func (e *ends) dialAndClose(ctx context.Context, n int) (time.Duration, error) {
	go func() {
		for {
			conn, err := e.listener.Accept()
			if err != nil {
				return
			}
			go conn.Close()
		}
	}()
	errs := make([]error, dialersAtOnce)
	start := time.Now()
	var all sync.WaitGroup
	for i := range dialersAtOnce {
		all.Go(func() {
			for range n / dialersAtOnce {
				conn, err := e.dialer.Dial(ctx, "bench")
				if err != nil {
					errs[i] = err
					return
				}
				conn.Close()
			}
		})
	}
	all.Wait()
	return time.Since(start), errors.Join(errs...)
}

func (b *broker) idleMemory(ctx context.Context, n int) (float64, error) {
	e, err := b.newEnds(ctx, "mqtt", payloads[standard].size)
	if err != nil {
		return 0, err
	}
	defer e.close()
	return e.idleMemory(ctx, n)
}

// idleMemory returns how many bytes of heap and stack one end of a Conn takes when nothing happens on it.
func (e *ends) idleMemory(ctx context.Context, n int) (float64, error) {
	conns := make([]net.Conn, 0, 2*(n+1))
	connect := func() error {
		near, far, err := e.connect(ctx)
		conns = append(conns, near, far)
		return err
	}
	if err := connect(); err != nil { // what comes with the first is not the Conn's
		return 0, err
	}
	before := memoryInUse()
	for range n {
		if err := connect(); err != nil {
			return 0, err
		}
	}
	used := memoryInUse() - before
	runtime.KeepAlive(conns)
	return float64(used) / float64(2*n), nil
}

func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC() // pools give up what they hold at the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
