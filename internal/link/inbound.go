package link

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

const (
	// readBuffer is the size of the inbound buffer, in bytes, if a whole packet does not need more: what the kernel has ready
	// is taken with one system call and opened where it lies. With 256 KiB less of it is still in the processor's cache by then,
	// and with 64 KiB most reads end within a packet.
	readBuffer = 128 << 10

	// maxControl is the largest packet that is not PUBLISH, in bytes after its header. The largest that the broker has reason
	// to send is a SUBACK with a byte for each of filtersPerSubscribe filters.
	maxControl = 64
)

// inbound frames what the broker sends: PUBLISH goes to its handler, in the buffer where it lies; the few other packets go
// to paho once they are checked. The broker is not trusted, so nothing here allocates what a packet asks for.
// Everything belongs to the reader goroutine but what says otherwise.
type inbound struct {
	in         *bufio.Reader // over clock
	clock      *readClock
	routes     *atomic.Pointer[routes] // set by the Link
	session    *pahoConn
	counters   *counters
	maxPayload int
	connected  bool          // CONNACK has come
	pongs      atomic.Uint64 // PINGRESP packets
	wake       chan struct{} // wakes the writer
}

// newReadBuffer returns a buffer that holds the largest packet.
func newReadBuffer(maxPayload int) *bufio.Reader {
	return bufio.NewReaderSize(nil, max(readBuffer, maxHeader+2+MaxTopic+maxPayload))
}

// readClock reads from the transport and takes the time when it has: the packets of one burst share it.
type readClock struct {
	net.Conn
	now   time.Time    // of the last read; owned by the reader goroutine
	start time.Time    // of the connection
	last  atomic.Int64 // now, as nanoseconds since start, for the writer
}

// Read reads what has arrived.
func (c *readClock) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.now = time.Now()
	if n > 0 {
		c.last.Store(int64(c.now.Sub(c.start)))
	}
	return n, err
}

// lastRead returns when the last byte was read. It may be called from any goroutine.
func (c *readClock) lastRead() time.Time { return c.start.Add(time.Duration(c.last.Load())) }

// run handles packets until the connection ends. Its error is never nil.
func (r *inbound) run() error {
	for {
		if err := r.next(); err != nil {
			return err
		}
	}
}

// next handles one packet.
func (r *inbound) next() error {
	h, err := r.header()
	switch {
	case err != nil:
		return err
	case !r.connected && h.kind != typeConnAck:
		return fmt.Errorf("%w: a packet of type %d before CONNACK", errMalformed, h.kind)
	case h.kind == typePublish:
		return r.publish(h)
	default:
		return r.control(h)
	}
}

// header reads a fixed header.
func (r *inbound) header() (header, error) {
	for want := min(max(2, r.in.Buffered()), maxHeader); ; want++ {
		b, err := r.in.Peek(want)
		if err != nil {
			return header{}, err
		}
		h, size, err := parseHeader(b)
		if err != nil {
			return header{}, err
		}
		if size > 0 {
			r.in.Discard(size)
			return h, nil
		}
	}
}

// publish hands a PUBLISH packet to the handler of its topic. One that is not for us, retained, or not of QoS 0 is read over:
// we never ask for such, and whoever may publish on our topics could have it delivered again at each subscription.
func (r *inbound) publish(h header) error {
	if h.length < 2 {
		return fmt.Errorf("%w: PUBLISH without a topic", errMalformed)
	}
	b, err := r.in.Peek(2)
	if err != nil {
		return err
	}
	payloadAt := 2 + int(binary.BigEndian.Uint16(b))
	switch {
	case payloadAt > h.length:
		return fmt.Errorf("%w: PUBLISH shorter than its topic", errMalformed)
	case payloadAt > 2+MaxTopic || h.flags != 0:
		return r.skip(h, &r.counters.dropped)
	}
	if b, err = r.in.Peek(payloadAt); err != nil {
		return err
	}
	handler := r.routes.Load().find(b[2:])
	switch {
	case handler == nil:
		return r.skip(h, &r.counters.dropped)
	case h.length-payloadAt > r.maxPayload:
		return r.skip(h, &r.counters.oversize)
	}
	if b, err = r.in.Peek(h.length); err != nil {
		return err
	}
	handler(b[2:payloadAt:payloadAt], b[payloadAt:h.length:h.length], r.clock.now)
	_, err = r.in.Discard(h.length)
	return err
}

// skip reads over the rest of a packet and counts it.
func (r *inbound) skip(h header, counter *atomic.Uint64) error {
	counter.Add(1)
	_, err := r.in.Discard(h.length)
	return err
}

// control checks a packet that is not PUBLISH and hands it to paho, which trusts its broker: a SUBACK with a return code too
// many would end the process.
func (r *inbound) control(h header) error {
	if h.length > maxControl {
		return fmt.Errorf("%w: a packet of type %d with %d bytes", errMalformed, h.kind, h.length)
	}
	body, err := r.in.Peek(h.length)
	if err != nil {
		return err
	}
	switch h.kind {
	case typeConnAck:
		err = r.connAck(body)
	case typeSubAck:
		err = r.session.checkSubAck(body)
	case typeUnsubAck:
		err = checkSize(h, 2)
	case typePingResp:
		err = checkSize(h, 0)
		r.pongs.Add(1)
		signal(r.wake)
	default:
		// We ask for nothing that has another answer.
		err = fmt.Errorf("%w: unexpected type %d", errMalformed, h.kind)
	}
	if err == nil && h.kind != typePingResp {
		err = r.session.deliver(h, body)
	}
	if err != nil {
		return err
	}
	_, err = r.in.Discard(h.length)
	return err
}

// first returns the bytes that a connection that ended before CONNACK has not understood. The reader must have ended.
func (r *inbound) first() []byte {
	b, _ := r.in.Peek(min(r.in.Buffered(), maxFirst))
	return b
}

// checkSize checks the size of a packet that has only one.
func checkSize(h header, size int) error {
	if h.length != size {
		return fmt.Errorf("%w: a packet of type %d with %d bytes instead of %d", errMalformed, h.kind, h.length, size)
	}
	return nil
}

// connAck checks a CONNACK. A refusal is an error here already: the broker closes the connection right after it.
func (r *inbound) connAck(body []byte) error {
	switch {
	case r.connected:
		return fmt.Errorf("%w: a second CONNACK", errMalformed)
	case len(body) != 2 || body[0] > 1:
		return fmt.Errorf("%w: CONNACK % x", errMalformed, body)
	case body[1] != 0:
		return connectRefused(body[1])
	}
	r.connected = true
	return nil
}
