package engine

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// state is where a Conn is in its life.
//
//	halfOpen ──first packet──▶ open ──Close──▶ closing ──finished──▶ tombstone ──10 s──▶ removed
//
// A dialer's Conn begins open. Failures lead from any state to removed, or to
// tombstone where the peer has to hear of it.
type state uint8

const (
	stateHalfOpen  state = iota // the listener answered; the dialer has not proved itself yet
	stateOpen                   // in use, or failed but not yet closed by the application
	stateClosing                // closed; what was written lingers
	stateTombstone              // over; acknowledges what the peer repeats
	stateRemoved                // forgotten; packets for it are strangers'
)

// A Conn is one connection. Its methods are those of net.Conn, with bare
// errors; the root package dresses them.
type Conn struct {
	engine    *Engine
	id        [8]byte // chosen by us, on what we receive
	topic     string  // the peer's inbox
	origin    origin
	peer      *peer
	maxPacket int // largest plaintext, bytes

	sealer *record.Sealer // owned by the writer goroutine
	opener *record.Opener // owned by the reader goroutine
	warned atomic.Bool    // of a second listener

	inUrgent, inData bool // guarded by queue.mu
	owes             int  // bytes that it sent beyond its turns; the writer's

	writing, reading sync.Mutex // one Write, one Read at a time, so that none is torn apart

	mu            sync.Mutex // guards all below
	changed       sync.Cond  // something that a blocked call waits for may have happened
	stream        *stream.Stream
	state         state
	closed        bool  // by the application
	err           error // why the Conn failed; nil while it works
	readDeadline  deadline
	writeDeadline deadline
	wroteAt       time.Time // when Write last took something
	timer         *time.Timer
	timerAt       time.Time // when timer fires; zero: it does not
	until         time.Time // end of the half-open, closing or tombstone state; zero: none
	unconfirmed   time.Time // a dialer's Conn that hears nothing by then has failed; zero: confirmed
	answered      time.Time // a listener's Conn: when the handshake was answered
	lastHeard     time.Time // when an authenticated packet for this Conn last came
	lastAsked     time.Time // when the Conn itself last sent a PING for want of that
	attentive     bool      // somebody watches whether the path works
	check         check
	resumeUntil   time.Time // the Conn holds one of the slots for resuming until then
	use           use       // owned by the reader goroutine; see activity
	onDone        []func()  // called once nothing lingers any more, with c.mu held
	finished      bool      // onDone was called

	rejected uint64 // packets for this Conn that did not authenticate
}

// origin is how a Conn came about.
type origin struct {
	name      string
	protocol  string
	dialer    bool
	logID     [4]byte
	peerID    [8]byte  // chosen by the peer, on what we send
	peerInbox [16]byte // identifies the peer's process
	digest    [32]byte // of the Noise message that this end received
	listener  *Listener
	answer    handshake.Answer // what a repeated hello gets, while half-open
}

// Name is the listener's name, Protocol what the stream is for, ID what logs
// call the Conn at both ends, and Dialer tells which end this is.
func (c *Conn) Name() string     { return c.origin.name }
func (c *Conn) Protocol() string { return c.origin.protocol }
func (c *Conn) ID() [4]byte      { return c.origin.logID }
func (c *Conn) Dialer() bool     { return c.origin.dialer }

// Read implements net.Conn: data that arrived before a failure is delivered
// before the error.
func (c *Conn) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if n, err, ok := c.tryRead(b); ok {
			return n, err
		}
		c.changed.Wait()
	}
}

func (c *Conn) tryRead(b []byte) (int, error, bool) {
	readable, end := c.stream.Readable()
	switch {
	case c.closed:
		return 0, net.ErrClosed, true
	case c.readDeadline.passed():
		return 0, os.ErrDeadlineExceeded, true
	case len(b) == 0:
		return 0, nil, true
	case readable > 0:
		n := c.stream.Read(b)
		c.schedule(time.Now())
		return n, nil, true
	case end:
		return 0, io.EOF, true
	case c.err != nil:
		return 0, c.err, true
	}
	return 0, nil, false
}

// Write implements net.Conn. It returns when everything is buffered.
func (c *Conn) Write(b []byte) (total int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := c.writeError(); err != nil {
			return total, err
		}
		n := c.stream.Write(b[total:])
		if n > 0 {
			c.wroteAt = time.Now()
			c.schedule(c.wroteAt)
			c.arm(c.wroteAt)
		}
		if total += n; total == len(b) {
			return total, nil
		}
		if n == 0 {
			c.changed.Wait()
		}
	}
}

func (c *Conn) writeError() error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.writeDeadline.passed():
		return os.ErrDeadlineExceeded
	case c.err != nil:
		return c.err
	case c.stream.WriteClosed() && !c.stream.Stopped():
		return net.ErrClosed
	case c.stream.Stopped():
		return errPeerClosed
	}
	return nil
}

// CloseWrite ends the stream towards the peer after what was written.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if c.err != nil {
		return c.err
	}
	c.stream.CloseWrite()
	c.changed.Broadcast()
	c.update(time.Now())
	return nil
}

// SetReadDeadline and SetWriteDeadline implement net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error  { return c.setDeadline(&c.readDeadline, t) }
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.writeDeadline, t) }

func (c *Conn) setDeadline(d *deadline, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	d.set(t, c.wake)
	c.changed.Broadcast()
	return nil
}

// wake makes blocked calls look again.
func (c *Conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.Broadcast()
}

// A deadline is guarded by its Conn's mu. Its timer exists only while one is set.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) set(t time.Time, wake func()) {
	d.stop()
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, wake)
	}
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// Stats returns the counts so far, the round-trip time, and how many packets
// for this Conn did not authenticate.
func (c *Conn) Stats() (stats stream.Stats, rtt time.Duration, rejected uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats, rtt = c.stream.Stats()
	return stats, rtt, c.rejected
}

// Reconnects returns how often the link of the Conn's Engine was made again.
func (c *Conn) Reconnects() uint64 { return c.engine.link.Stats().Reconnects }
