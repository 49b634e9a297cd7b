package e2etest

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// brokers are what tests and benchmarks of scale run over.
var brokers = []struct {
	name  string
	start func(testing.TB) string
}{
	{"embedded broker", mqtttest.Broker},
	{"Mosquitto", func(tb testing.TB) string { return simtest.Mosquitto(tb).Address }},
}

// manyConns dials count times, from 16 goroutines, and has every Conn's data
// echoed once.
func manyConns(tb testing.TB, dialer *mqtte2e.Endpoint, count int) []*mqtte2e.Conn {
	tb.Helper()
	conns := make([]*mqtte2e.Conn, count)
	next := make(chan int, count)
	for i := range count {
		next <- i
	}
	close(next)
	var dialing sync.WaitGroup
	for range 16 {
		dialing.Go(func() {
			for i := range next {
				conn, err := dialer.Dial(context.Background(), "test")
				if err == nil {
					err = checkEcho(conn)
				}
				if err != nil {
					tb.Errorf("Conn %d: %v", i, err)
					return
				}
				conns[i] = conn
			}
		})
	}
	dialing.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
	return conns
}

// TestManyConns has 2,000 Conns at once through one Listener and one Endpoint.
// They all send at the same time.
func TestManyConns(t *testing.T) {
	for _, broker := range brokers {
		t.Run(broker.name, func(t *testing.T) {
			dialer, listener := endpoints(t, broker.start(t), newConfig())
			go simtest.Echo(listener)
			start := time.Now()
			conns := manyConns(t, dialer, int(size(2000)))
			dialed := time.Since(start)
			start = time.Now()
			var sending sync.WaitGroup
			for _, conn := range conns {
				sending.Go(func() {
					if err := sendAndCompare(conn, 10000); err != nil {
						t.Errorf("%v: %v", conn.LocalAddr(), err)
					}
				})
			}
			sending.Wait()
			t.Logf("%d Conns were made in %v, and each sent and got 10 kB in %v", len(conns), dialed, time.Since(start))
		})
	}
}

// sendAndCompare sends content to an echo server, to its end and the end of the
// stream.
func sendAndCompare(conn *mqtte2e.Conn, size int64) error {
	var writing sync.WaitGroup
	var writeErr error
	writing.Go(func() {
		if _, writeErr = io.Copy(struct{ io.Writer }{conn}, content(size)); writeErr == nil {
			writeErr = conn.CloseWrite()
		}
	})
	got, err := hashOf(conn)
	writing.Wait()
	want, _ := hashOf(content(size))
	if err != nil || writeErr != nil || got != want {
		return fmt.Errorf("reading: %v, writing: %v, equal: %t", err, writeErr, got == want)
	}
	return conn.Close()
}

// BenchmarkAccept measures how many Conns a second one Listener accepts. Both
// ends are in this process, so each of them costs two handshakes.
func BenchmarkAccept(b *testing.B) {
	for _, broker := range brokers {
		b.Run(broker.name, func(b *testing.B) {
			dialer, listener := endpoints(b, broker.start(b), newConfig())
			var accepting sync.WaitGroup
			accepting.Go(func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					conn.Close()
				}
			})
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					conn, err := dialer.Dial(context.Background(), "test")
					if err != nil {
						b.Error(err)
						return
					}
					conn.Close()
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepts/s")
			b.StopTimer()
			listener.Close()
			accepting.Wait()
		})
	}
}

// BenchmarkIdleConn measures the memory of one end of a Conn that carried
// traffic, 64 KiB each way, and rested for 10 s. Run it with -benchtime 1x.
func BenchmarkIdleConn(b *testing.B) {
	const conns = 2000
	dialer, listener := endpoints(b, simtest.Mosquitto(b).Address, newConfig())
	accepted := make(chan *mqtte2e.Conn, conns)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn.(*mqtte2e.Conn)
		}
	}()
	// One Conn first, so that what the links need is there already.
	connsKept := []*mqtte2e.Conn{useOnce(b, dialer, accepted)}
	for b.Loop() {
		before := memory(b)
		for range conns {
			connsKept = append(connsKept, useOnce(b, dialer, accepted))
		}
		rest := time.NewTimer(10 * time.Second)
		<-rest.C
		b.ReportMetric(float64(memory(b)-before)/(2*conns), "B/end")
	}
	runtime.KeepAlive(connsKept)
}

// useOnce dials and sends 64 KiB each way. Nothing runs on behalf of the Conn
// afterwards but what the package needs.
func useOnce(b *testing.B, dialer *mqtte2e.Endpoint, accepted <-chan *mqtte2e.Conn) *mqtte2e.Conn {
	dialed, err := dialer.Dial(context.Background(), "test")
	if err != nil {
		b.Fatal(err)
	}
	other := <-accepted
	data := make([]byte, 64<<10)
	for _, ends := range [][2]*mqtte2e.Conn{{dialed, other}, {other, dialed}} {
		if _, err := ends[0].Write(data); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(ends[1], data); err != nil {
			b.Fatal(err)
		}
	}
	return dialed
}

// memory returns the bytes of live heap objects and of stacks.
func memory(b *testing.B) uint64 {
	runtime.GC()
	runtime.GC() // the first one moves pools to where the second one frees them
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}

// BenchmarkOutage measures the time from Mosquitto being back after an outage
// to data that flows again. Run it with -benchtime 1x.
func BenchmarkOutage(b *testing.B) {
	for _, outage := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second, time.Minute} {
		b.Run(outage.String(), func(b *testing.B) {
			broker := simtest.Mosquitto(b)
			dialer, listener := endpoints(b, broker.Address, newConfig())
			for b.Loop() {
				dialed, accepted, err := connect(dialer, listener)
				if err != nil {
					b.Fatal(err)
				}
				transfer := startTransfer(dialed, accepted, 1<<40)
				transfer.waitFor(10e6)
				broker.Kill()
				timer := time.NewTimer(outage)
				<-timer.C
				broker.Restart()
				back := time.Now()
				transfer.waitFor(transfer.waitFor(0))
				b.ReportMetric(time.Since(back).Seconds(), "s-to-data")
				dialed.Close()
				accepted.Close()
			}
		})
	}
}
