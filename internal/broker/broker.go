// Package broker embeds an MQTT broker (mochi-mqtt) in the process: for tests, the examples and the command's broker verb.
// It is bounded, keeps nothing on disk and logs nothing. It is no replacement for a broker on the internet.
package broker

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
)

const (
	// defaultMaxPacketSize lets the largest message of this project pass (1 MiB) under the longest topic of MQTT (64 KiB).
	defaultMaxPacketSize = 1<<20 + 64<<10 + 16

	// maxPending bounds the queue of one subscriber, in packets; what comes while it is full is dropped silently, as by the
	// other brokers. Mosquitto's bound is 1000. mochi's own default of 8192 lets one slow client hold 512 MiB of 64 KiB packets.
	maxPending = 1024

	// netBuffer is the size of a client's read and write buffers, bytes. mochi's 2 KiB cost a system call for each small packet.
	netBuffer = 64 << 10

	// connectTimeout bounds the time from accepting a connection to its CONNECT. mochi itself would wait for ever.
	connectTimeout = 10 * time.Second

	// acceptPause is waited after an Accept that failed for want of resources (too many open files), before the next one.
	acceptPause = 50 * time.Millisecond

	// sysInterval is the pause between two rounds of $SYS topics, seconds (a day): nobody here reads them, and each round
	// stops the process to count its memory.
	sysInterval = 24 * 60 * 60
)

// Config configures a Broker. The zero Config is valid: open to everyone, with the default limits.
type Config struct {
	// Username and Password are what clients must present. Both empty: everyone is let in.
	Username, Password string

	// MaxPacketSize is the largest MQTT packet taken, in bytes. A larger one ends its sender's connection, without a word as
	// MQTT 3.1.1 has none. 0: room for a payload of 1 MiB under any topic.
	MaxPacketSize int

	// Publish, if not nil, sees every message before it is routed and returns the payload to route and whether to route it at
	// all. It must not keep or modify payload, and is called from several goroutines at once.
	Publish func(topic string, payload []byte) (routed []byte, pass bool)

	// Subscribe, if not nil, tells whether clients may subscribe to a topic filter. It is called from several goroutines at
	// once.
	Subscribe func(filter string) bool
}

// Broker is an MQTT broker without listeners until Listen or ListenWebSocket gives it some.
type Broker struct {
	server  *mqtt.Server
	closing chan struct{}
	serving sync.WaitGroup // one for each accept loop and each connection

	mu      sync.Mutex
	closed  bool
	closers map[io.Closer]struct{} // what Close must close: listeners and connections
}

// New starts a broker.
func New(config Config) (*Broker, error) {
	if config.MaxPacketSize == 0 {
		config.MaxPacketSize = defaultMaxPacketSize
	}
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumPacketSize = uint32(config.MaxPacketSize)
	capabilities.MaximumClientWritesPending = maxPending
	server := mqtt.New(&mqtt.Options{
		Capabilities:             capabilities,
		ClientNetReadBufferSize:  netBuffer,
		ClientNetWriteBufferSize: netBuffer,
		Logger:                   slog.New(slog.DiscardHandler), // mochi logs whole packets, passwords included
		SysTopicResendInterval:   sysInterval,
	})
	if err := server.AddHook(newHook(config), nil); err != nil {
		return nil, err
	}
	if err := server.Serve(); err != nil {
		return nil, err
	}
	return &Broker{server: server, closing: make(chan struct{}), closers: make(map[io.Closer]struct{})}, nil
}

// Listen serves the connections of listener in the background until the broker or the listener is closed. The broker owns
// the listener from here on. A listener of package tls makes it serve MQTT over TLS.
func (b *Broker) Listen(listener net.Listener) error {
	return b.start(listener, func() { b.acceptAll(listener) })
}

func (b *Broker) start(listener io.Closer, serve func()) error {
	if !b.own(listener) {
		listener.Close()
		return net.ErrClosed
	}
	go func() {
		defer b.disown(listener)
		serve()
	}()
	return nil
}

func (b *Broker) acceptAll(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		var temporary interface{ Temporary() bool } // package net marks running out of descriptors so, and nothing else says it
		switch {
		case err == nil:
			go b.serve(conn)
		case !errors.As(err, &temporary) || !temporary.Temporary():
			return
		default:
			select {
			case <-time.After(acceptPause):
			case <-b.closing:
				return
			}
		}
	}
}

// serve runs one client's connection to its end.
func (b *Broker) serve(conn net.Conn) {
	if !b.own(conn) {
		conn.Close()
		return
	}
	defer b.disown(conn)
	// mochi replaces this deadline by one and a half keep-alive intervals once it has seen CONNECT.
	conn.SetDeadline(time.Now().Add(connectTimeout))
	b.server.EstablishConnection("broker", conn)
}

// own notes what Close must close and wait for; false means that the broker is closed already.
func (b *Broker) own(c io.Closer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.closers[c] = struct{}{}
	b.serving.Add(1)
	return true
}

func (b *Broker) disown(c io.Closer) {
	c.Close()
	b.mu.Lock()
	delete(b.closers, c)
	b.mu.Unlock()
	b.serving.Done()
}

// Close closes all listeners and connections and waits until their goroutines have ended.
func (b *Broker) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	closers := make([]io.Closer, 0, len(b.closers))
	for c := range b.closers {
		closers = append(closers, c)
	}
	b.mu.Unlock()
	close(b.closing)
	for _, c := range closers {
		c.Close()
	}
	b.serving.Wait()
	return b.server.Close()
}
