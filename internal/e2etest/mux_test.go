package e2etest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// TestMuxConn is the conformance test for streams over an embedded broker, a real
// one, and links that lose, repeat and reorder messages.
func TestMuxConn(t *testing.T) {
	t.Run("embedded broker", func(t *testing.T) { conformance(t, mqtttest.Broker(t), nil) })
	t.Run("Mosquitto", func(t *testing.T) { conformance(t, simtest.Mosquitto(t).Address, nil) })
	t.Run("faulty", func(t *testing.T) {
		faults := simtest.FaultConfig{Seed: 1, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05}
		conformance(t, mqtttest.Broker(t), faulty(faults))
	})
}

func conformance(t *testing.T, broker string, dial dialFunc) {
	config := newConfig()
	config.DialContext = dial
	listener, err := mux.Listen(t.Context(), broker+"#conn", config)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialer := &mux.Dialer{Endpoint: endpoint(t, broker, config)}
	defer dialer.Close()
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		if c1, err = dialer.DialContext(t.Context(), "tcp", "conn"); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = listener.Accept(); err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

// TestMuxHTTP serves a site over streams, as the package comment promises.
func TestMuxHTTP(t *testing.T) {
	broker := mqtttest.Broker(t)
	config := newConfig()
	listener, err := mux.Listen(t.Context(), broker+"#site", config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Write(body)
	})}
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	dialer := &mux.Dialer{Endpoint: endpoint(t, broker, config)}
	defer dialer.Close()
	transport := &http.Transport{DialContext: dialer.DialContext}
	client := &http.Client{Transport: transport}
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			body := contentOf(100_000 * i)
			response, err := client.Post("http://site/", "text/plain", bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if got, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(got, body) {
				t.Errorf("request %d: %d bytes of %d come back, %v", i, len(got), len(body), err)
			}
		})
	}
	all.Wait()
	transport.CloseIdleConnections()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
}

// contentOf returns content of a size.
func contentOf(size int) []byte {
	b := make([]byte, size)
	io.ReadFull(content(int64(size)), b)
	return b
}

// process is one end's connection to the broker, which can vanish as if the
// machine had lost power.
type process struct {
	broker *simtest.EmbeddedBroker
	mu     sync.Mutex
	dead   bool
	conns  []net.Conn
}

func (p *process) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return nil, fmt.Errorf("no power")
	}
	conn, err := p.broker.DialContext(ctx, network, address)
	if err == nil {
		p.conns = append(p.conns, conn)
	}
	return conn, err
}

func (p *process) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	for _, conn := range p.conns {
		conn.Close()
	}
}

// muxEcho sends something there and back on a stream.
func muxEcho(t *testing.T, d *mux.Dialer, body []byte) {
	t.Helper()
	conn, err := d.DialContext(t.Context(), "tcp", "device")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go conn.Write(body)
	got := make([]byte, len(body))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("the echo differs: %v", err)
	}
}

// TestMuxDialAfterRestart restarts the listener without a goodbye and dials at
// once.
func TestMuxDialAfterRestart(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		broker := simtest.Broker(t)
		config := newConfig()
		start := func() (*mux.Listener, *process) {
			p := &process{broker: broker}
			own := *config
			own.DialContext = p.dial
			l, err := mux.Listen(t.Context(), simtest.Address+"#device", &own)
			if err != nil {
				t.Fatal(err)
			}
			go simtest.Echo(l)
			return l, p
		}
		config.DialContext = broker.DialContext
		endpoint := &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
		dialer := &mux.Dialer{Endpoint: endpoint}
		old, p := start()
		muxEcho(t, dialer, contentOf(100))
		p.die()
		fresh, _ := start()
		before := time.Now()
		muxEcho(t, dialer, contentOf(100))
		if took := time.Since(before); took > 10*time.Second {
			t.Errorf("a dial after a restart took %v", took)
		}
		dialer.Close()
		endpoint.Close()
		fresh.Close()
		old.Close()
		time.Sleep(10 * time.Minute)
	})
}

// TestMuxOutlivesTheBroker stops the broker for a minute in the middle of a
// transfer.
func TestMuxOutlivesTheBroker(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		broker := simtest.Broker(t)
		config := newConfig()
		config.DialContext = broker.DialContext
		l, err := mux.Listen(t.Context(), simtest.Address+"#device", config)
		if err != nil {
			t.Fatal(err)
		}
		go simtest.Echo(l)
		endpoint := &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
		dialer := &mux.Dialer{Endpoint: endpoint}
		conn, err := dialer.DialContext(t.Context(), "tcp", "device")
		if err != nil {
			t.Fatal(err)
		}
		body := contentOf(1 << 20)
		got := make([]byte, len(body))
		for range 2 {
			go conn.Write(body)
			if _, err := io.ReadFull(conn, got[:len(got)/2]); err != nil {
				t.Fatal(err)
			}
			broker.Stop()
			time.Sleep(time.Minute)
			broker.Start()
			if _, err := io.ReadFull(conn, got[len(got)/2:]); err != nil || !bytes.Equal(got, body) {
				t.Fatalf("the echo differs: %v", err)
			}
		}
		conn.Close()
		dialer.Close()
		endpoint.Close()
		l.Close()
		time.Sleep(time.Minute)
	})
}
