// Package link connects to an MQTT broker, stays connected, and carries PUBLISH packets of QoS 0. It knows nothing of what
// is in them.
//
// A Link has one run loop, which makes one connection after the other and keeps its MQTT session: it has paho's package packets
// encode CONNECT, SUBSCRIBE and UNSUBSCRIBE, and waits for the answers. Each connection has two goroutines: the reader, which
// hands inbound payloads to their Handler where they lie in the read buffer, and the writer, which asks the Source for packets
// and is alone to write to the network, in batches. The reader never blocks and never writes; no lock is held while the network
// is waited for. Both goroutines of a connection have ended before the next one begins, so what one of them owns needs no lock
// over reconnects either.
package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// Config is what a Link needs to reach its broker.
type Config struct {
	// Broker is where the broker is and what to tell it.
	Broker address.Broker

	// TLSConfig is used for mqtts and wss. nil is the zero tls.Config. The host of Broker is verified unless ServerName is set.
	TLSConfig *tls.Config

	// DialContext makes TCP connections to the broker. It must heed its context. nil: a net.Dialer, to all addresses of
	// the host (RFC 8305), through the proxy of the environment, by HTTP CONNECT or SOCKS5 (HTTP_PROXY for ws, HTTPS_PROXY for all
	// others, else ALL_PROXY; NO_PROXY for all).
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// MaxPayload is the largest payload of a PUBLISH packet, in bytes, both ways. Larger ones that arrive are read over and counted.
	MaxPayload int

	// Logger must not be nil.
	Logger *slog.Logger
}

// Format implements fmt.Formatter. A pointer in a field would be printed without asking Broker.
func (c Config) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "link.Config{%v}", c.Broker) }

// Format implements fmt.Formatter: in an unexported field Broker cannot hide its password from package fmt.
func (l *Link) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "link.Link{%v}", l.config.Broker) }

// Source supplies what a Link publishes.
type Source interface {
	// Up tells that all subscriptions of a new connection are confirmed. Handlers may have been called before it.
	Up(now time.Time)

	// Fill adds packets to batch until it is Full or there is nothing to send. It is called on the writer goroutine, between
	// Up and Down and with no lock of the link held, whenever the link was woken, and then again until it adds nothing.
	Fill(batch *Batch, now time.Time)

	// Down tells that a connection for which Up was called is over, and whether the broker hung up. Its goroutines have ended.
	// Up and Down are called by the run loop.
	Down(now time.Time, hungUp bool)
}

// Stats counts what happened since New.
type Stats struct {
	Reconnects uint64 // connections that came up after the first
	Dropped    uint64 // PUBLISH packets that were retained, not of QoS 0 or on a topic without a handler
	Renamed    uint64 // of those, packets on a topic that ends like a subscribed one: the broker has rewritten what comes before
	Oversize   uint64 // PUBLISH packets with payloads larger than MaxPayload
}

type counters struct{ reconnects, dropped, renamed, oversize atomic.Uint64 }

// Link is a lasting connection to a broker. Its methods may be called from any goroutine, except that a Handler and the
// methods of the Source must not call Connect, Subscribe and Close.
type Link struct {
	config Config
	source Source

	routes     atomic.Pointer[routes] // read by the reader; replaced under mu
	counters   counters
	isUp       atomic.Bool
	connecting atomic.Bool   // the network reaches the broker, whose CONNACK is awaited
	smallOnly  atomic.Bool   // see PayloadLimit; set by the run loop
	changes    chan struct{} // has a token while subscriptions wait for the run loop
	wake       chan struct{} // has a token while there may be something to write
	ctx        context.Context
	cancel     context.CancelFunc // by Close

	// Owned by the run loop, which lends the last four to one connection after the other.
	backoff      backoff
	lastReason   string // why the last attempt to connect failed; empty: it did not
	dialer       *dialer
	hungUpTwice  bool // on large packets
	largest      largest
	pingInterval time.Duration // see keepAlive
	readBuffer   *bufio.Reader
	batch        *Batch

	mu            sync.Mutex // guards all below
	subscriptions map[string]*subscription
	loop          *runLoop      // nil while none runs
	everUp        bool          // a connection was up once
	persistent    bool          // by Persist
	toldDown      bool          // it was logged that a persistent link was never up
	cameUp        chan struct{} // closed, and replaced, when a connection comes up
	lastErr       error         // the last failed attempt or lost connection
}

// New returns a Link that does nothing until Connect.
func New(config Config, source Source) *Link {
	if config.MaxPayload <= 0 || config.Logger == nil {
		panic("BUG: link: Config without MaxPayload or Logger")
	}
	l := &Link{
		config:        config,
		source:        source,
		backoff:       backoff{jitter: rand.Float64},
		dialer:        newDialer(),
		pingInterval:  keepAliveInterval,
		readBuffer:    newReadBuffer(config.MaxPayload),
		batch:         NewBatch(config.MaxPayload),
		changes:       make(chan struct{}, 1),
		wake:          make(chan struct{}, 1),
		subscriptions: make(map[string]*subscription),
		cameUp:        make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.routes.Store(newRoutes(nil))
	config.warnInClear()
	return l
}

// Connect makes the link connect, if it does not yet, and waits until it is up. If a link that has never been up fails to
// connect, Connect returns the reason at once, and a later Connect tries again. Once the link has been up it reconnects by
// itself until Close, and Connect waits for that until ctx ends.
func (l *Link) Connect(ctx context.Context) error {
	for {
		l.mu.Lock()
		switch {
		case l.ctx.Err() != nil:
			l.mu.Unlock()
			return ErrClosed
		case l.isUp.Load():
			l.mu.Unlock()
			return nil
		case l.loop == nil:
			l.startLoop()
		}
		loop, cameUp := l.loop, l.cameUp
		l.mu.Unlock()
		select {
		case <-cameUp:
		case <-loop.ended:
			return loop.err
		case <-ctx.Done():
			return l.gaveUp(ctx)
		}
	}
}

// gaveUp is the error of a caller whose context ended before the link was up.
func (l *Link) gaveUp(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lastErr := l.lastErr
	if l.connecting.Load() && lastErr == nil {
		lastErr = foreignSession(l.config.Broker.Scheme, nil, errNoAnswer)
	}
	if lastErr != nil {
		return fmt.Errorf("waiting for the broker: %w; the last attempt: %w", context.Cause(ctx), lastErr)
	}
	return fmt.Errorf("waiting for the broker: %w", context.Cause(ctx))
}

// Wake makes the writer call the Source's Fill. It never blocks.
func (l *Link) Wake() { signal(l.wake) }

// IsUp tells whether the link is connected and all its subscriptions are confirmed.
func (l *Link) IsUp() bool { return l.isUp.Load() }

// PayloadLimit returns the largest payload that the broker takes, and hands over at once, on topic: MaxPayload, or less if it
// hung up twice on large packets, or hands them over slowly, as some do over WebSocket. Each connection may lower it.
func (l *Link) PayloadLimit(topic string) int {
	if !l.smallOnly.Load() {
		return l.config.MaxPayload
	}
	return min(l.config.MaxPayload, smallPacket-maxHeader-2-len(topic))
}

// Stats returns the counters.
func (l *Link) Stats() Stats {
	return Stats{
		Reconnects: l.counters.reconnects.Load(),
		Dropped:    l.counters.dropped.Load(),
		Renamed:    l.counters.renamed.Load(),
		Oversize:   l.counters.oversize.Load(),
	}
}

// Close ends the link: what the Source still has for one more batch, and DISCONNECT, are written if the network takes them at
// once. It waits until all goroutines of the link have ended, and always returns nil.
func (l *Link) Close() error {
	l.cancel()
	l.mu.Lock()
	loop := l.loop
	l.mu.Unlock()
	if loop != nil {
		<-loop.ended
	}
	return nil
}
