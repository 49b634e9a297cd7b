package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// dialTimeout bounds one attempt to reach the broker: name, TCP, proxy, TLS and WebSocket together.
const dialTimeout = 15 * time.Second

var errDialTimeout = fmt.Errorf("no connection within %v: %w", dialTimeout, os.ErrDeadlineExceeded)

// transport carries MQTT to and from the broker.
type transport struct {
	net.Conn              // the socket itself, or a proxy's connection, TLS or WebSocket over it
	socket    *socket     // what lies at the bottom. Closing it ends reads and writes at once, while TLS would wait to send its alert.
	smallOnly bool        // large messages come in pieces with pauses between
	pongDue   atomic.Bool // a WebSocket ping waits for its answer, which goes out with the next write; set by the reader
}

// dialFunc is the type of Config.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialAttempt is one attempt to reach the broker. It makes a single socket, and sees to it that the end of its context ends
// every wait on that: for a proxy's handshake and the WebSocket handshake too, which know of deadlines only.
type dialAttempt struct {
	*transport
	config    *Config
	ctx       context.Context
	dialTCP   dialFunc
	wake      func()       // called when a WebSocket ping waits for its answer
	protocols []string     // what to offer in the broker's TLS; nil: what the caller's configuration says
	proxy     *proxyServer // of the environment; nil if there is none
	stop      func() bool  // ends the watch of ctx; nil without a socket
}

// dial connects to the broker, up to where MQTT begins, by direct unless the caller dials. wake is called when a WebSocket ping
// waits for its answer.
func (c *Config) dial(ctx context.Context, direct dialFunc, wake func()) (*transport, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errDialTimeout)
	defer cancel()
	if c.DialContext != nil {
		direct = c.DialContext
	}
	a := dialAttempt{config: c, ctx: ctx, dialTCP: direct, wake: wake, protocols: c.protocols()}
	transport, err := a.run()
	if a.protocols != nil && refusesProtocols(err) {
		a.protocols = nil
		transport, err = a.run()
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the broker at %s: %w", c.Broker.Host, err)
	}
	return transport, nil
}

// run makes the attempt, on a copy, so that it can be made again.
func (a dialAttempt) run() (*transport, error) {
	a.transport = new(transport)
	conn, err := a.open()
	if err = a.explain(err); err != nil {
		if a.socket != nil {
			a.socket.Close()
		}
		return nil, err
	}
	a.Conn = conn
	a.socket.begin()
	return a.transport, nil
}

// open connects up to where MQTT begins.
func (a *dialAttempt) open() (net.Conn, error) {
	scheme := a.config.Broker.Scheme
	if !slices.Contains([]string{"mqtt", "mqtts", "ws", "wss"}, scheme) {
		return nil, fmt.Errorf("unknown scheme %q; mqtt, mqtts, ws and wss are known", scheme)
	}
	conn, err := a.openStream()
	switch {
	case err != nil:
		return nil, err
	case scheme == "mqtts":
		secured := tls.Client(conn, a.tlsConfig())
		if err := secured.HandshakeContext(a.ctx); err != nil {
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		return secured, nil
	case a.config.Broker.WebSocket():
		return a.openWebSocket(conn)
	}
	return conn, nil
}

// openStream connects by TCP, through the proxy of the environment, if there is one and the caller does not dial by itself.
func (a *dialAttempt) openStream() (net.Conn, error) {
	broker := &a.config.Broker
	if a.config.DialContext != nil {
		return a.Dial("tcp", broker.Host)
	}
	var err error
	if a.proxy, err = environmentProxy(broker); err != nil {
		return nil, err
	}
	if a.proxy == nil {
		return a.Dial("tcp", broker.Host)
	}
	return a.openTunnel(broker.Host)
}

// Dial makes the socket, for package proxy, too.
func (a *dialAttempt) Dial(network, address string) (net.Conn, error) {
	conn, err := a.dialTCP(a.ctx, network, address)
	if err != nil {
		return nil, err
	}
	socket := newSocket(conn)
	a.socket = socket
	a.stop = context.AfterFunc(a.ctx, func() { socket.Close() })
	return socket, nil
}

// explain ends the watch of the context and says why the attempt failed, if it did.
func (a *dialAttempt) explain(err error) error {
	switch {
	case a.socket != nil && !a.stop():
		err = context.Cause(a.ctx) // what the closed socket made of it says less
	case a.socket != nil && a.socket.flooded():
		err = errPreamble // and quotes less of what came in
	case err == nil:
		return nil
	case a.socket != nil && a.proxy == nil:
		return foreignHandshake(a.config.Broker.Scheme, a.socket.first, err)
	}
	if a.proxy != nil {
		return &ProxyError{a.proxy.hostPort, a.proxy.variable, err}
	}
	return err
}
