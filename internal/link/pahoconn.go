package link

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// maxToPaho bounds what waits for paho, in bytes. It handles a packet in microseconds and asks for one at a time; a broker
	// that sends them faster means harm and loses the connection.
	maxToPaho = 4 << 10

	// maxFromPaho bounds what paho wrote and the writer has not taken, in bytes. CONNECT is the largest of its packets, with
	// up to 64 KiB each of user name and password; more than a few waiting means that the writer is stuck.
	maxFromPaho = 256 << 10
)

// pahoConn is the net.Conn that paho sees. It stands between paho, which keeps the MQTT session, and the reader and writer
// goroutines, which own the transport. Its writes never block or fail, and its reads end only with Close: a lost connection
// reaches paho through the run loop alone, which calls paho one step after the other, so that none of paho's many states between
// the two is ever entered.
type pahoConn struct {
	wake func() // wakes the writer

	mu       sync.Mutex
	readable sync.Cond // toPaho or closed has changed
	closed   bool      // by paho, or by the run loop once it is done with paho

	toPaho []byte // whole packets that paho has not read yet, at most maxToPaho

	partial    []byte              // the beginning of a packet that paho is writing
	fromPaho   []byte              // whole packets for the writer, at most maxFromPaho
	disconnect bool                // DISCONNECT is the last of them
	subscribes map[uint16][]string // the filters of each SUBSCRIBE without SUBACK, by packet identifier
	refused    []string            // filters that a SUBACK refused
	broken     error               // paho wrote what it must not
}

var _ net.Conn = (*pahoConn)(nil)

func newPahoConn(wake func()) *pahoConn {
	c := &pahoConn{wake: wake, subscribes: make(map[uint16][]string)}
	c.readable.L = &c.mu
	return c
}

// Read gives paho what deliver took. After Close it fails with the error that paho takes for its own doing.
func (c *pahoConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.toPaho) == 0 && !c.closed {
		c.readable.Wait()
	}
	if c.closed {
		return 0, net.ErrClosed
	}
	n := copy(p, c.toPaho)
	c.toPaho = append(c.toPaho[:0], c.toPaho[n:]...)
	return n, nil
}

// deliver queues a packet from the broker for paho.
func (c *pahoConn) deliver(h header, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.toPaho)+maxHeader+len(body) > maxToPaho {
		return fmt.Errorf("the broker sends control packets faster than they can be handled")
	}
	c.toPaho = append(appendHeader(c.toPaho, h), body...)
	c.readable.Broadcast()
	return nil
}

// Write takes what paho sends, makes whole packets of it again, and leaves them to the writer.
func (c *pahoConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.partial = append(c.partial, p...)
	for c.broken == nil && !c.closed {
		h, size, err := parseHeader(c.partial)
		if err != nil {
			c.broken = err
		}
		if size == 0 || len(c.partial) < size+h.length {
			break
		}
		c.take(h, c.partial[:size+h.length], c.partial[size:size+h.length])
		c.partial = append(c.partial[:0], c.partial[size+h.length:]...)
	}
	c.wake()
	return len(p), nil
}

// take takes one whole packet from paho.
func (c *pahoConn) take(h header, packet, body []byte) {
	switch h.kind {
	case typePingReq:
		// The writer pings by itself, and better: paho's ping would end a healthy connection whose PINGRESP is late.
		c.toPaho = appendHeader(c.toPaho, header{kind: typePingResp})
		c.readable.Broadcast()
		return
	case typeSubscribe:
		id, filters := subscribeFilters(body)
		c.subscribes[id] = filters
	case typeDisconnect:
		c.disconnect = true
	}
	if len(c.fromPaho)+len(packet) > maxFromPaho {
		c.broken = fmt.Errorf("BUG: link: more than %d bytes of control packets wait for the writer", maxFromPaho)
		return
	}
	c.fromPaho = append(c.fromPaho, packet...)
}

// subscribeFilters returns the packet identifier and the filters of a SUBSCRIBE that paho wrote (MQTT 3.1.1, section 3.8).
func subscribeFilters(body []byte) (id uint16, filters []string) {
	id, body = binary.BigEndian.Uint16(body), body[2:]
	for len(body) > 0 {
		end := 2 + int(binary.BigEndian.Uint16(body))
		filters = append(filters, string(body[2:end]))
		body = body[end+1:] // one byte of QoS
	}
	return id, filters
}

// appendTo appends the packets from paho to batch and tells whether the last of them is DISCONNECT.
func (c *pahoConn) appendTo(batch *Batch) (disconnect bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch.appendControl(c.fromPaho...)
	c.fromPaho = c.fromPaho[:0]
	return c.disconnect, c.broken
}

// checkSubAck checks a SUBACK before paho sees it: it must answer a SUBSCRIBE, with one return code for each filter (section 3.9).
func (c *pahoConn) checkSubAck(body []byte) error {
	if len(body) < 3 {
		return fmt.Errorf("%w: SUBACK of %d bytes", errMalformed, len(body))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id, codes := binary.BigEndian.Uint16(body), body[2:]
	filters, known := c.subscribes[id]
	if !known || len(filters) != len(codes) {
		return fmt.Errorf("%w: SUBACK %d with %d return codes for %d filters", errMalformed, id, len(codes), len(filters))
	}
	delete(c.subscribes, id)
	for i, code := range codes {
		switch {
		case code == 0x80:
			c.refused = append(c.refused, filters[i])
		case code > 2:
			return fmt.Errorf("%w: SUBACK with return code %#02x", errMalformed, code)
		}
	}
	return nil
}

// takeRefused returns the filters that were refused since the last call.
func (c *pahoConn) takeRefused() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	refused := c.refused
	c.refused = nil
	return refused
}

// Close ends what paho reads. What it wrote still goes to the broker.
func (c *pahoConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.readable.Broadcast()
	return nil
}

// LocalAddr and RemoteAddr are not used by paho.
func (c *pahoConn) LocalAddr() net.Addr  { return pahoAddr{} }
func (c *pahoConn) RemoteAddr() net.Addr { return pahoAddr{} }

// The deadlines are for paho's handshake, which the run loop bounds.
func (c *pahoConn) SetDeadline(time.Time) error      { return nil }
func (c *pahoConn) SetReadDeadline(time.Time) error  { return nil }
func (c *pahoConn) SetWriteDeadline(time.Time) error { return nil }

type pahoAddr struct{}

func (pahoAddr) Network() string { return "link" }
func (pahoAddr) String() string  { return "link" }
