package mux

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// farConn is the end of a connection on which everything takes delay to arrive.
type farConn struct {
	net.Conn
	delay  time.Duration
	close  sync.Once
	closed chan struct{}
	sent   chan delayed // room for more than any test has in flight
}

type delayed struct {
	due  time.Time
	data []byte
}

func newFarConn(conn net.Conn, delay time.Duration) *farConn {
	c := &farConn{Conn: conn, delay: delay, closed: make(chan struct{}), sent: make(chan delayed, 1<<16)}
	go c.deliver()
	return c
}

func (c *farConn) deliver() {
	defer c.Conn.Close()
	for {
		select {
		case d := <-c.sent:
			time.Sleep(time.Until(d.due))
			c.Conn.Write(d.data)
		case <-c.closed:
			return
		}
	}
}

func (c *farConn) Write(p []byte) (int, error) {
	select {
	case c.sent <- delayed{time.Now().Add(c.delay), bytes.Clone(p)}:
		return len(p), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

// Close loses what has not arrived.
func (c *farConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return nil
}

// TestWindowFillsALongPath downloads over 100 ms of round trip.
func TestWindowFillsALongPath(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, s := simtest.Pipe()
		client, server := newSessions(t, newFarConn(c, 50*time.Millisecond), newFarConn(s, 50*time.Millisecond))
		near, far := open(t, client, server)
		const size = 64 << 20
		start := time.Now()
		go func() {
			b := noise(1 << 20)
			for range size / len(b) {
				far.Write(b)
			}
			far.Close()
		}()
		if n, err := io.Copy(io.Discard, near); n != size || err != nil {
			t.Fatalf("%d bytes of %d, %v", n, size, err)
		}
		if rate := size / time.Since(start).Seconds(); rate < 40e6 {
			t.Errorf("%.0f MB/s, want 40", rate/1e6)
		}
		near.Close()
		time.Sleep(time.Second)
		client.Close()
		server.Close()
	})
}
