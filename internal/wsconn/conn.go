// Package wsconn makes a net.Conn of a WebSocket connection: MQTT over WebSocket (MQTT 3.1.1, section 6) is a stream of bytes
// carried in binary messages whose borders mean nothing. The link uses it as a client, the embedded broker as a server.
package wsconn

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Subprotocol is the WebSocket subprotocol that MQTT 3.1.1, section 6, asks for.
const Subprotocol = "mqtt"

// BufferSize is the size of the read and the write buffer that both ends want, in bytes. gorilla/websocket sends one frame,
// hence makes one system call, for each write buffer that a message fills; 256 KiB holds a whole batch of the link.
const BufferSize = 256 << 10

// Conn is a WebSocket connection as a net.Conn. As with any net.Conn one goroutine may read while another writes;
// unlike with most, only one at a time may write. Close may be called at any time, and does not wait for either.
type Conn struct {
	ws      *websocket.Conn
	message io.Reader // what is left of the message being read, nil between messages; owned by the reading goroutine
	onPing  func()
	pong    atomic.Pointer[string] // the answer to the last ping that still has none; a later ping replaces it (RFC 6455, section 5.5.3)
}

var _ net.Conn = (*Conn)(nil)

// New wraps ws. The reading goroutine must never write, so a ping is not answered when it is read but with the next Write;
// onPing is called, on the reading goroutine, to ask for one. It must not block.
func New(ws *websocket.Conn, onPing func()) *Conn {
	c := &Conn{ws: ws, onPing: onPing}
	ws.SetPingHandler(func(data string) error {
		c.pong.Store(&data)
		onPing()
		return nil
	})
	// The default handler would answer a close frame from the reading goroutine. The connection is over either way.
	ws.SetCloseHandler(func(int, string) error { return nil })
	return c
}

// Read reads from the current message and goes on to the next one where it ends.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		if c.message == nil {
			kind, message, err := c.ws.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errors.New("the WebSocket peer sent a text message; MQTT travels in binary ones")
			}
			c.message = message
		}
		n, err := c.message.Read(p)
		if err == io.EOF {
			c.message, err = nil, nil
			if n == 0 && len(p) > 0 {
				continue
			}
		}
		return n, err
	}
}

// Write sends p as one binary message, after the answer to a ping if one is due.
func (c *Conn) Write(p []byte) (int, error) {
	if pong := c.pong.Swap(nil); pong != nil {
		if err := c.ws.WriteMessage(websocket.PongMessage, []byte(*pong)); err != nil {
			return 0, err
		}
	}
	if err := c.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close closes the network connection at once, without a close frame: MQTT has DISCONNECT for that.
func (c *Conn) Close() error { return c.ws.Close() }

// LocalAddr returns the local address of the network connection.
func (c *Conn) LocalAddr() net.Addr { return c.ws.LocalAddr() }

// RemoteAddr returns the remote address of the network connection.
func (c *Conn) RemoteAddr() net.Addr { return c.ws.RemoteAddr() }

// SetDeadline sets both deadlines. After one has passed the connection is of no use any more.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.ws.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.ws.NetConn().SetWriteDeadline(t) }
