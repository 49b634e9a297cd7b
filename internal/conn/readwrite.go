package conn

import (
	"io"
	"net"
	"os"
	"time"
)

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
	switch {
	case c.life.Closed():
		return 0, net.ErrClosed, true
	case c.readDeadline.passed():
		return 0, os.ErrDeadlineExceeded, true
	case len(b) == 0:
		return 0, nil, true
	}
	switch n, end := c.stream.Read(b); {
	case n > 0:
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
			if !c.schedule(c.wroteAt) { // else the writer comes by, and arms the timer
				c.arm(c.wroteAt)
			}
		} else if err := c.endOfWriting(); err != nil {
			return total, err
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
	case c.life.Closed():
		return net.ErrClosed
	case c.writeDeadline.passed():
		return os.ErrDeadlineExceeded
	}
	return c.err
}

// endOfWriting says why the stream takes nothing more, ever; nil: it may later.
func (c *Conn) endOfWriting() error {
	switch status := c.stream.Status(); {
	case status.Stopped:
		return errPeerClosed
	case status.WriteClosed:
		return net.ErrClosed
	}
	return nil
}

// CloseWrite ends the stream towards the peer after what was written.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Closed() {
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
	if c.life.Closed() {
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
