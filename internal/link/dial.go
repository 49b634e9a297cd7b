package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/proxy"
)

// dialTimeout bounds one attempt to reach the broker: name, TCP, proxy, TLS and WebSocket together.
const dialTimeout = 15 * time.Second

var errDialTimeout = fmt.Errorf("no connection within %v: %w", dialTimeout, os.ErrDeadlineExceeded)

// transport carries MQTT to and from the broker.
type transport struct {
	net.Conn         // the socket itself, or a proxy's connection, TLS or WebSocket over it
	socket   *socket // what lies at the bottom. Closing it ends reads and writes at once, while TLS would wait to say farewell.
	trickles bool    // large messages come in pieces with pauses between
}

// dialFunc is the type of Config.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dial connects to the broker, up to where MQTT begins. onPing is called when a WebSocket peer wants an answer.
func (c *Config) dial(ctx context.Context, onPing func()) (*transport, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errDialTimeout)
	defer cancel()
	attempt := &dialAttempt{ctx: ctx, dialTCP: c.DialContext}
	if attempt.dialTCP == nil {
		attempt.dialTCP = persist(new(net.Dialer).DialContext)
	}
	conn, err := c.open(ctx, attempt, onPing)
	switch {
	case attempt.interrupted():
		err = context.Cause(ctx) // what the closed socket made of it says less
	case attempt.socket != nil && attempt.socket.flooded():
		err = errGreeting // and quotes less of what came in
	case err != nil && attempt.proxied(c.Address.Host):
		err = &ProxyError{Proxy: attempt.address, cause: err}
	case err != nil && attempt.socket != nil:
		err = foreignHandshake(c.Address.Scheme, attempt.socket.first, err)
	}
	if err != nil {
		attempt.abandon()
		return nil, fmt.Errorf("connecting to the broker at %s: %w", c.Address.Host, err)
	}
	attempt.socket.begin()
	return &transport{Conn: conn, socket: attempt.socket, trickles: attempt.trickles}, nil
}

// open connects through the proxy of the environment, if there is one and the caller does not dial by itself.
func (c *Config) open(ctx context.Context, attempt *dialAttempt, onPing func()) (net.Conn, error) {
	direct := c.DialContext != nil
	switch c.Address.Scheme {
	case "mqtt":
		return attempt.dialStream(c.Address.Host, direct)
	case "mqtts":
		conn, err := attempt.dialStream(c.Address.Host, direct)
		if err != nil {
			return nil, err
		}
		secured := tls.Client(conn, c.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		return secured, nil
	case "ws", "wss":
		return c.openWebSocket(ctx, attempt, direct, onPing)
	}
	return nil, fmt.Errorf("unknown scheme %q; mqtt, mqtts, ws and wss are known", c.Address.Scheme)
}

// tlsConfig returns the caller's TLS configuration, with the broker's host name to verify where it names none.
func (c *Config) tlsConfig() *tls.Config {
	config := &tls.Config{}
	if c.TLSConfig != nil {
		config = c.TLSConfig.Clone()
	}
	if config.ServerName == "" {
		if host, _, err := net.SplitHostPort(c.Address.Host); err == nil {
			config.ServerName = host
		}
	}
	return config
}

// dialAttempt makes the sockets of one attempt and sees to it that the end of its context ends every wait on them: for a
// proxy's greeting and the WebSocket handshake too, which know of deadlines only.
type dialAttempt struct {
	ctx      context.Context
	dialTCP  dialFunc
	address  string      // where the last socket was to lead
	socket   *socket     // the last one made
	stop     func() bool // ends the watch of ctx
	trickles bool        // for the transport
}

// DialContext makes a socket.
func (a *dialAttempt) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	a.address = address
	conn, err := a.dialTCP(ctx, network, address)
	if err != nil {
		return nil, err
	}
	a.abandon()
	socket := newSocket(conn)
	a.socket = socket
	a.stop = context.AfterFunc(a.ctx, func() { socket.Close() })
	return socket, nil
}

// Dial makes a socket, for package proxy.
func (a *dialAttempt) Dial(network, address string) (net.Conn, error) {
	return a.DialContext(a.ctx, network, address)
}

// dialStream connects to host, through the SOCKS proxy of ALL_PROXY unless direct.
func (a *dialAttempt) dialStream(host string, direct bool) (net.Conn, error) {
	if direct {
		return a.Dial("tcp", host)
	}
	through := proxy.FromEnvironmentUsing(a)
	if dialer, ok := through.(proxy.ContextDialer); ok {
		return dialer.DialContext(a.ctx, "tcp", host)
	}
	return through.Dial("tcp", host)
}

// proxied tells whether it was not the broker at host but a proxy that was dialed.
func (a *dialAttempt) proxied(host string) bool { return a.address != "" && a.address != host }

// interrupted ends the watch of the context and tells whether it has ended, and with it the socket.
func (a *dialAttempt) interrupted() bool {
	return a.stop != nil && !a.stop()
}

// abandon closes the socket, if there is one.
func (a *dialAttempt) abandon() {
	if a.socket != nil {
		a.stop()
		a.socket.Close()
	}
}
