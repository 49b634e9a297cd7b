package simtest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeBuffer is what one direction of a Pipe holds, in bytes, before Write waits: about what two kernels hold of a TCP
// connection. With net.Pipe, which holds nothing, a broker that writes holds its lock until the client has read.
const pipeBuffer = 256 << 10

// Pipe returns the two ends of a connection in memory that behaves like TCP: it buffers, and what was written before Close
// can still be read by the other end. It waits on condition variables only, so it works in virtual time too.
func Pipe() (net.Conn, net.Conn) {
	there, back := newHalf(), newHalf()
	return &pipeConn{in: back, out: there}, &pipeConn{in: there, out: back}
}

// pipeConn is one end of a Pipe.
type pipeConn struct{ in, out *half }

func (c *pipeConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.out.write(p) }

func (c *pipeConn) Close() error {
	c.in.close(&c.in.readerGone)
	c.out.close(&c.out.writerGone)
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return pipeAddr{} }
func (c *pipeConn) RemoteAddr() net.Addr { return pipeAddr{} }

func (c *pipeConn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *pipeConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readDeadline, t)
	return nil
}

func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeDeadline, t)
	return nil
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe:0" }

// half is one direction of a Pipe.
type half struct {
	mu                          sync.Mutex
	changed                     sync.Cond // anything below
	data                        []byte    // written and not yet read, at most pipeBuffer
	readerGone, writerGone      bool      // that end was closed
	readDeadline, writeDeadline deadline
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readerGone:
			return 0, net.ErrClosed
		case h.readDeadline.passed:
			return 0, os.ErrDeadlineExceeded
		case len(h.data) > 0:
			n := copy(p, h.data)
			h.data = append(h.data[:0], h.data[n:]...)
			h.changed.Broadcast()
			return n, nil
		case h.writerGone:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		h.changed.Wait()
	}
}

func (h *half) write(p []byte) (written int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.writerGone:
			return written, net.ErrClosed
		case h.writeDeadline.passed:
			return written, os.ErrDeadlineExceeded
		case h.readerGone:
			return written, io.ErrClosedPipe
		}
		n := min(len(p)-written, pipeBuffer-len(h.data))
		h.data = append(h.data, p[written:written+n]...)
		written += n
		if n > 0 {
			h.changed.Broadcast()
		}
		if written == len(p) {
			return written, nil
		}
		h.changed.Wait()
	}
}

func (h *half) close(gone *bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*gone = true
	h.changed.Broadcast()
}

// deadline is a point in time after which an operation fails.
type deadline struct {
	passed bool
	timer  *time.Timer // nil without a future deadline; also tells a stale timer from the current one
}

func (h *half) setDeadline(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.passed = !t.IsZero() && !t.After(time.Now())
	if !t.IsZero() && !d.passed {
		h.startTimer(d, time.Until(t))
	}
	h.changed.Broadcast()
}

func (h *half) startTimer(d *deadline, wait time.Duration) {
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.timer == timer {
			d.passed = true
			h.changed.Broadcast()
		}
	})
	d.timer = timer
}
