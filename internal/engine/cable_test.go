package engine

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// A cable connects an Engine to the broker, and can be cut.
type cable struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	isCut bool
	conn  *cord // the last one
}

// A cord is a connection whose other end may seem to hang up.
type cord struct {
	net.Conn
	hungUp atomic.Bool
}

func (c *cord) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && c.hungUp.Load() {
		err = io.EOF
	}
	return n, err
}

// DialContext makes a connection, unless the cable is cut.
func (c *cable) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	isCut := c.isCut
	c.mu.Unlock()
	if isCut {
		return nil, syscall.ENETUNREACH
	}
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = &cord{Conn: conn}
	return c.conn, nil
}

// cut ends an Engine's connection, and lets it make no other. To the rest of
// the world the Engine's process has crashed.
func (w *world) cut(e *Engine) {
	c := w.cables[e]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = true
	c.conn.Close()
}

// hangUp ends an Engine's connection as a broker does that lets it in again.
func (w *world) hangUp(e *Engine) {
	c := w.cables[e]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.hungUp.Store(true)
	c.conn.Close()
}

// mend ends what cut began.
func (w *world) mend(e *Engine) {
	c := w.cables[e]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = false
}
