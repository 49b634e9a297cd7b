package link

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	// readBuffer is the size of the inbound buffer, in bytes, if a whole packet does not need more: what the kernel has ready
	// is taken with one system call and opened where it lies. With 256 KiB less of it is still in the processor's cache by then,
	// and with 64 KiB most reads end within a packet.
	readBuffer = 128 << 10

	// maxControl is the largest packet that is not PUBLISH, in bytes after its header. The largest that the broker has reason
	// to send is a SUBACK with a byte for each of filtersPerSubscribe filters.
	maxControl = 64

	// stallTimeout is how long a packet that has begun may make no progress. Otherwise a broker could hold up what is behind it
	// for ever with a byte now and then, each of which answers a ping.
	stallTimeout = 30 * time.Second

	// byteProgress is by how much each byte read of a packet puts the end of stallTimeout off, up to a whole one. So what comes
	// with 2 kbit/s never stalls, however large: a modem for satellites has 2.4 kbit/s.
	byteProgress = 4 * time.Millisecond
)

var errStalled = fmt.Errorf("the broker began a packet and made no progress with it for %v: check the network", stallTimeout)

// inbound frames what the broker sends: PUBLISH goes to its handler, in the buffer where it lies; the few other packets go
// to the run loop once they are checked. The broker is not trusted, so nothing here allocates what a packet asks for.
// Everything belongs to the reader goroutine but what says otherwise.
type inbound struct {
	link      *Link
	conn      io.Reader     // the transport
	in        *bufio.Reader // over the inbound itself
	now       time.Time     // of the last read: the packets of one burst share it
	stalled   time.Time     // when the packet that has begun counts as stalled; zero between packets
	connected bool          // CONNACK has come
	accepted  chan struct{} // closed when it has

	start        time.Time                   // of the connection; never changes
	lastRead     atomic.Int64                // now, as nanoseconds since start; for the writer
	connackAt    atomic.Int64                // when CONNACK came, as nanoseconds since start; for the writer
	subscribing  atomic.Pointer[subscribing] // set by the run loop
	unsubscribes atomic.Int32                // UNSUBSCRIBE without UNSUBACK; counted up by the run loop
	pongs        atomic.Uint64               // PINGRESP packets; for the writer
}

func newInbound(l *Link, conn io.Reader) *inbound {
	r := &inbound{link: l, conn: conn, in: l.readBuffer, accepted: make(chan struct{}), start: time.Now()}
	r.in.Reset(r)
	return r
}

// newReadBuffer returns a buffer that holds the largest packet.
func newReadBuffer(maxPayload int) *bufio.Reader {
	return bufio.NewReaderSize(nil, max(readBuffer, maxHeader+2+MaxTopic+maxPayload))
}

// Read reads what has arrived, for the buffer, takes the time, and is an error if the packet has stalled. If nothing arrives at
// all, keepAlive notices.
func (r *inbound) Read(p []byte) (int, error) {
	n, err := r.conn.Read(p)
	r.now = time.Now()
	if n > 0 {
		r.lastRead.Store(int64(r.now.Sub(r.start)))
	}
	if err == nil && !r.stalled.IsZero() {
		r.stalled = earliest(r.stalled.Add(time.Duration(n)*byteProgress), r.now.Add(stallTimeout))
		if r.now.After(r.stalled) {
			err = errStalled
		}
	}
	return n, err
}

// lastHeard returns when the last byte was read. It may be called from any goroutine.
func (r *inbound) lastHeard() time.Time { return r.start.Add(time.Duration(r.lastRead.Load())) }

// connectTook returns the round trip of CONNECT, which is written at the start; 0 before CONNACK. It may be called from any
// goroutine.
func (r *inbound) connectTook() time.Duration { return time.Duration(r.connackAt.Load()) }

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
	r.stalled = time.Time{}
	if _, err := r.in.Peek(1); err != nil {
		return err
	}
	r.stalled = r.now.Add(stallTimeout)
	h, err := r.header()
	switch {
	case err != nil:
		return err
	case !r.connected && h.kind != packets.Connack:
		return fmt.Errorf("%w: a packet of type %d before CONNACK", errMalformed, h.kind)
	case h.kind == packets.Publish:
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
		return r.skip(h, &r.link.counters.dropped)
	}
	if b, err = r.in.Peek(payloadAt); err != nil {
		return err
	}
	routes := r.link.routes.Load()
	handler := routes.find(b[2:])
	switch {
	case handler == nil:
		if routes.renamed(b[2:]) {
			r.link.counters.renamed.Add(1)
		}
		return r.skip(h, &r.link.counters.dropped)
	case h.length-payloadAt > r.link.config.MaxPayload:
		return r.skip(h, &r.link.counters.oversize)
	}
	if b, err = r.in.Peek(h.length); err != nil {
		return err
	}
	handler(b[2:payloadAt:payloadAt], b[payloadAt:h.length:h.length], r.now)
	_, err = r.in.Discard(h.length)
	return err
}

// skip reads over the rest of a packet and counts it.
func (r *inbound) skip(h header, counter *atomic.Uint64) error {
	counter.Add(1)
	_, err := r.in.Discard(h.length)
	return err
}

// control handles a packet that is not PUBLISH.
func (r *inbound) control(h header) error {
	if h.length > maxControl {
		return fmt.Errorf("%w: a packet of type %d with %d bytes", errMalformed, h.kind, h.length)
	}
	body, err := r.in.Peek(h.length)
	if err != nil {
		return err
	}
	switch {
	case h.kind == packets.Connack:
		err = r.connAck(body)
	case h.kind == packets.Suback:
		err = r.subscribing.Load().subAck(body)
	case h.kind == packets.Unsuback && h.length == 2 && r.unsubscribes.Add(-1) >= 0:
	case h.kind == packets.Pingresp && h.length == 0:
		r.pongs.Add(1)
		r.link.Wake()
	default:
		// We ask for nothing that has another answer.
		err = fmt.Errorf("%w: unexpected type %d with %d bytes", errMalformed, h.kind, h.length)
	}
	if err == nil {
		_, err = r.in.Discard(h.length)
	}
	return err
}

// first returns the bytes that a connection that ended before CONNACK has not understood. The reader must have ended.
func (r *inbound) first() []byte {
	b, _ := r.in.Peek(min(r.in.Buffered(), maxFirst))
	return b
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
	r.connackAt.Store(int64(r.now.Sub(r.start)))
	close(r.accepted)
	return nil
}
