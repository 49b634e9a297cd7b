package link

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// connection is one MQTT connection, from the dialed transport to the end of both its goroutines. The run loop makes it, and
// makes no other before it has ended.
type connection struct {
	link      *Link
	transport *transport
	inbound   *inbound
	outbound  *outbound

	// Owned by the run loop.
	subscribed map[string]bool // filters that the broker has confirmed
	lastID     uint16          // the packet identifier given out last

	goroutines sync.WaitGroup
	failOnce   sync.Once
	failed     chan struct{} // closed when the connection is over
	err        error         // why; set before failed is closed
	ended      time.Time     // when; set before failed is closed
}

// newConnection starts to read and write.
func newConnection(l *Link, transport *transport) *connection {
	c := &connection{link: l, transport: transport, subscribed: make(map[string]bool), failed: make(chan struct{})}
	c.inbound = newInbound(l, transport)
	c.outbound = newOutbound(c)
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
