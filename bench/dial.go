package main

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/wsconn"
)

// dial connects a bare client: with quick acknowledgements as the link has them, and TLS or WebSocket over it as the scheme says.
func (b *broker) dial(ctx context.Context, scheme string) (net.Conn, error) {
	switch scheme {
	case "mqtts":
		conn, err := dialQuick(ctx, "tcp", b.host(scheme))
		if err != nil {
			return nil, err
		}
		return tls.Client(conn, b.tls), nil
	case "ws", mosquittoWS:
		dialer := websocket.Dialer{
			NetDialContext:  dialQuick,
			ReadBufferSize:  wsconn.BufferSize,
			WriteBufferSize: wsconn.BufferSize,
			Subprotocols:    []string{wsconn.Subprotocol},
		}
		ws, _, err := dialer.DialContext(ctx, b.address(scheme), nil)
		if err != nil {
			return nil, err
		}
		return wsconn.New(ws, func() {}), nil
	}
	return dialQuick(ctx, "tcp", b.host(scheme))
}

// dialQuick makes a TCP connection that acknowledges at once: Mosquitto leaves Nagle's algorithm on, which waits for delayed
// acknowledgements with every small packet.
func dialQuick(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return quickConn{conn, quickAck(conn)}, nil
}

// quickConn sets before each read what the kernel forgets, as the link does.
type quickConn struct {
	net.Conn
	rearm func()
}

func (c quickConn) Read(p []byte) (int, error) {
	c.rearm()
	return c.Conn.Read(p)
}
