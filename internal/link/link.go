// Package link connects to an MQTT broker, stays connected, and carries PUBLISH packets of QoS 0. It knows nothing of what
// is in them.
//
// The MQTT session (CONNECT, SUBSCRIBE and so on) is paho's; PUBLISH packets do not pass through it. A Link has one run loop,
// which makes one connection after the other, and each connection has two goroutines: the reader, which hands inbound
// payloads to their Handler where they lie in the read buffer, and the writer, which asks the Source for packets and writes
// them in batches. The reader never blocks and never writes; no lock is held while the network is waited for. Both goroutines of
// a connection have ended before the next one begins, so what one of them owns needs no lock over reconnects either.
package link

import (
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
	// Address is where the broker is and what to tell it.
	Address address.Address

	// TLSConfig is used for mqtts and wss. nil is the zero tls.Config. The host of Address is verified unless ServerName is set.
	TLSConfig *tls.Config

	// DialContext makes TCP connections to the broker. It must heed its context. nil: a net.Dialer, through the proxies of the
	// environment (ALL_PROXY with SOCKS5 for mqtt and mqtts; HTTP_PROXY and HTTPS_PROXY for ws and wss; NO_PROXY for all).
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// MaxPayload is the largest payload of a PUBLISH packet, in bytes, both ways. Larger ones that arrive are read over and counted.
	MaxPayload int

	// Logger must not be nil.
	Logger *slog.Logger
}

// Format implements fmt.Formatter. A pointer in a field would be printed without asking Address.
func (c Config) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "link.Config{%v}", c.Address) }

// Format implements fmt.Formatter: in an unexported field Address cannot hide its password from package fmt.
func (l *Link) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "link.Link{%v}", l.config.Address) }

// Source supplies what a Link publishes.
type Source interface {
	// Fill adds packets to batch until it is Full or there is nothing to send. It is called on the writer goroutine, with no
	// lock of the link held, whenever the link is up and was woken, and then again until it adds nothing.
	Fill(batch *Batch, now time.Time)

	// Up tells that all subscriptions of a new connection are confirmed. It is called on the writer goroutine before the first
	// Fill of the connection. Handlers may have been called before it.
	Up(now time.Time)

	// Down tells that a connection for which Up was called is over. Its goroutines have ended.
	Down(now time.Time)
}

// Stats counts what happened since New.
type Stats struct {
	Reconnects uint64 // connections that came up after the first
	Dropped    uint64 // PUBLISH packets that were retained, not of QoS 0 or on a topic without a handler
	Oversize   uint64 // PUBLISH packets with payloads larger than MaxPayload
}

type counters struct{ reconnects, dropped, oversize atomic.Uint64 }

// Link is a lasting connection to a broker. Its methods may be called from any goroutine, except that a Handler and the
// methods of the Source must not call Connect, Subscribe and Close.
type Link struct {
	config Config
	parts  connectionParts // lent to one connection at a time
	jitter func() float64  // for the pauses between attempts

	routes   atomic.Pointer[routes] // read by the reader; replaced under mu
	counters counters
	isUp     atomic.Bool
	trickles atomic.Bool   // see PayloadLimit; this and the next are set by the run loop
	small    atomic.Bool   // the broker hung up on large packets
	changes  chan struct{} // has a token while subscriptions wait for the run loop
	ctx      context.Context
	cancel   context.CancelFunc // by Close

	mu            sync.Mutex
	subscriptions map[string]*subscription
	unsubscribes  []string      // filters to unsubscribe on the current connection; at most the ones subscribed there
	connected     bool          // there is a current connection
	greeting      bool          // the network reaches the broker, whose CONNACK is awaited
	loop          *runLoop      // nil while none runs
	everUp        bool          // a connection was up once
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
		jitter:        rand.Float64,
		changes:       make(chan struct{}, 1),
		subscriptions: make(map[string]*subscription),
		cameUp:        make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.routes.Store(newRoutes(nil))
	l.parts = connectionParts{
		source:     source,
		routes:     &l.routes,
		counters:   &l.counters,
		maxPayload: config.MaxPayload,
		largest:    new(largest),
		wake:       make(chan struct{}, 1),
	}
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
			l.start()
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

// start starts the run loop. mu must be held.
func (l *Link) start() {
	if l.parts.batch == nil {
		l.parts.batch = NewBatch(l.config.MaxPayload)
		l.parts.readBuffer = newReadBuffer(l.config.MaxPayload)
	}
	l.loop = &runLoop{link: l, backoff: backoff{jitter: l.jitter}, ended: make(chan struct{})}
	go l.loop.run()
}

// gaveUp is the error of a caller whose context ended before the link was up.
func (l *Link) gaveUp(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lastErr := l.lastErr
	if l.greeting && lastErr == nil {
		lastErr = foreignSession(l.config.Address.Scheme, nil, errNoAnswer)
	}
	if lastErr != nil {
		return fmt.Errorf("waiting for the broker: %w; the last attempt: %w", context.Cause(ctx), lastErr)
	}
	return fmt.Errorf("waiting for the broker: %w", context.Cause(ctx))
}

// Wake makes the writer call the Source's Fill. It never blocks.
func (l *Link) Wake() { signal(l.parts.wake) }

// IsUp tells whether the link is connected and all its subscriptions are confirmed.
func (l *Link) IsUp() bool { return l.isUp.Load() }

// PayloadLimit returns the largest payload that the broker takes, and hands over at once, on topic: MaxPayload, or less if it
// hung up twice on large packets, or serves WebSocket in a way that makes them trickle. Each connection may lower it.
func (l *Link) PayloadLimit(topic string) int {
	if !l.small.Load() && !l.trickles.Load() {
		return l.config.MaxPayload
	}
	return min(l.config.MaxPayload, smallPacket-maxHeader-2-len(topic))
}

// Stats returns the counters.
func (l *Link) Stats() Stats {
	return Stats{
		Reconnects: l.counters.reconnects.Load(),
		Dropped:    l.counters.dropped.Load(),
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
