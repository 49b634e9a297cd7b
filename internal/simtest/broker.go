package simtest

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// Address is a broker address to go with EmbeddedBroker.DialContext, which does not look at the host.
const Address = "mqtt://broker.test"

// EmbeddedBroker is the embedded broker behind pipes in memory. It works inside and outside of Run.
type EmbeddedBroker struct {
	tb     testing.TB
	config broker.Config

	mu       sync.Mutex
	broker   *broker.Broker // nil while stopped
	listener *pipeListener
}

// Broker starts an embedded broker, open to everyone unless a config says otherwise, that ends with the test.
func Broker(tb testing.TB, config ...broker.Config) *EmbeddedBroker {
	tb.Helper()
	b := &EmbeddedBroker{tb: tb}
	if len(config) > 0 {
		b.config = config[0]
	}
	b.Start()
	tb.Cleanup(b.Stop)
	return b
}

// Start starts the broker again after Stop. It has forgotten everything.
func (b *EmbeddedBroker) Start() {
	b.tb.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	started, err := broker.New(b.config)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.broker, b.listener = started, newPipeListener()
	if err := started.Listen(b.listener); err != nil {
		b.tb.Fatal(err)
	}
}

// Stop ends the broker and all its connections. DialContext is refused until Start.
func (b *EmbeddedBroker) Stop() {
	b.mu.Lock()
	stopped := b.broker
	b.broker, b.listener = nil, nil
	b.mu.Unlock()
	if stopped != nil {
		stopped.Close()
	}
}

// DialContext connects to the broker, whatever network and address say: for the DialContext field of a Config.
func (b *EmbeddedBroker) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	b.mu.Lock()
	listener := b.listener
	b.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	if listener == nil {
		return nil, refused
	}
	ours, theirs := Pipe()
	select {
	case listener.conns <- theirs:
		return ours, nil
	case <-listener.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pipeListener is a net.Listener whose connections come from EmbeddedBroker.DialContext.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }
