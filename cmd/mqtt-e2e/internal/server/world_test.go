package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A world is a broker in virtual time and the key of those who meet there.
type world struct {
	t      *testing.T
	broker *simtest.EmbeddedBroker
	key    mqtte2e.Key

	sessions, streams int // limits of those who listen
}

func newWorld(t *testing.T) *world {
	return &world{t: t, broker: simtest.Broker(t), key: mqtte2e.NewKey()}
}

// A process is one program of the command, which can lose its power.
type process struct {
	endpoint *mqtte2e.Endpoint
	lines    simtest.Lines
	log      log

	mu   sync.Mutex // guards dead
	dead bool
}

// process starts a program that is as patient as the command.
func (w *world) process() *process {
	p := new(process)
	p.lines.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.dead {
			return nil, errors.New("there is no power")
		}
		return w.broker.DialContext(ctx, network, address)
	}
	config := &mqtte2e.Config{Key: w.key, DialContext: p.lines.DialContext, PeerTimeout: time.Hour}
	p.endpoint = &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
	w.t.Cleanup(func() { p.endpoint.Close() })
	return p
}

// crash ends the program without a word to anybody.
func (p *process) crash() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.lines.SwallowOut()
	p.lines.Cut()
}

// listen serves as "box" under a policy, with ports in memory, and under keys if
// there are any.
func (w *world) listen(policy target.Policy, keys ...mqtte2e.Key) *process {
	w.t.Helper()
	p := w.process()
	server := New(everyone(policy), true, p.logger())
	if err := server.Limit(w.sessions, w.streams); err != nil {
		w.t.Fatal(err)
	}
	server.ports.listen = func(target.Port) (net.Listener, error) { return newMemoryListener(), nil }
	listener, err := p.endpoint.Listen(w.t.Context(), "box", Protocols(policy.Default != nil)...)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(keys) > 0 {
		if err := listener.SetKeys(keys...); err != nil {
			w.t.Fatal(err)
		}
	}
	go server.Serve(listener)
	return p
}

// forward keeps a session with "box" until the test ends.
func (w *world) forward(remotes ...target.Remote) (*process, *client.Client) {
	p := w.process()
	client := client.New(p.endpoint, "box", remotes, p.logger())
	ctx, cancel := context.WithCancel(w.t.Context())
	w.t.Cleanup(func() {
		cancel()
		client.Close()
	})
	go client.Keep(ctx, false, ui.NewStatus(p.logger()))
	return p, client
}

func (p *process) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// A log is what a command would have written on standard error.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// has reports whether text is in the log.
func (l *log) has(text string) bool { return l.count(text) > 0 }

// count returns how often text is in the log.
func (l *log) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// memoryListener is an open port to which nobody connects.
type memoryListener struct {
	net.Listener
	close  sync.Once
	closed chan struct{}
}

func newMemoryListener() *memoryListener { return &memoryListener{closed: make(chan struct{})} }

func (l *memoryListener) Accept() (net.Conn, error) {
	<-l.closed
	return nil, net.ErrClosed
}

func (l *memoryListener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9000} }
