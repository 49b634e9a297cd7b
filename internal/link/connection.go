package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// connection is one MQTT connection, from the dialed transport to the end of both its goroutines. The run loop makes it, and
// makes no other before it has ended.
type connection struct {
	transport *transport
	inbound   *inbound
	outbound  *outbound
	session   *pahoConn

	goroutines sync.WaitGroup
	failOnce   sync.Once
	failed     chan struct{} // closed when the connection is over
	err        error         // why; set before failed is closed
	ended      time.Time     // when; set before failed is closed
}

// connectionParts is what a connection borrows from its Link.
type connectionParts struct {
	source     Source
	routes     *atomic.Pointer[routes]
	counters   *counters
	maxPayload int
	wake       chan struct{} // has a token while there may be something to write
	readBuffer *bufio.Reader
	batch      *Batch
	largest    *largest
}

// newConnection starts to read and write. onPing must be what the transport was dialed with.
func newConnection(transport *transport, parts connectionParts, pingRequested *atomic.Bool) *connection {
	c := &connection{transport: transport, failed: make(chan struct{})}
	c.session = newPahoConn(func() { signal(parts.wake) })
	now := time.Now()
	clock := &readClock{Conn: transport.Conn, now: now, start: now}
	parts.readBuffer.Reset(clock)
	c.inbound = &inbound{
		in:         parts.readBuffer,
		clock:      clock,
		routes:     parts.routes,
		session:    c.session,
		counters:   parts.counters,
		maxPayload: parts.maxPayload,
		wake:       parts.wake,
	}
	c.outbound = newOutbound(c, parts, clock, pingRequested)
	c.goroutines.Go(func() { c.fail(c.inbound.run()) })
	c.goroutines.Go(func() { c.fail(c.outbound.run()) })
	return c
}

// fail ends the connection; only the first reason counts. It never waits.
func (c *connection) fail(err error) {
	c.failOnce.Do(func() {
		var closed *websocket.CloseError
		switch {
		case err == io.EOF:
			err = fmt.Errorf("the broker closed the connection: %w", err)
		case errors.As(err, &closed):
			err = fmt.Errorf("the broker closed the connection: %w: %w", io.EOF, err)
		}
		c.err, c.ended = err, time.Now()
		c.transport.socket.Close()
		close(c.failed)
	})
}

// shut ends the connection and waits for its goroutines.
func (c *connection) shut(err error) {
	c.fail(err)
	c.goroutines.Wait()
}

// signal puts a token into a channel of capacity one, unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
