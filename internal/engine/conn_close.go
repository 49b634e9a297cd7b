package engine

import (
	"context"
	"net"
	"time"
)

const (
	// flushWait is how long Close waits at most for the acknowledgement of what
	// was written, for programs that exit right after it.
	flushWait = time.Second
	// stallWait is after how long without an acknowledgement or credit Close
	// waits no more: five of the shortest probe timeouts.
	stallWait = 500 * time.Millisecond
	// maxLinger bounds how long what was written is kept for a peer after
	// Close, if PeerTimeout is not shorter.
	maxLinger = 30 * time.Second
	// tombstoneLife is how long the end of a Conn is acknowledged again: twice
	// the longest probe timeout.
	tombstoneLife = 10 * time.Second
	// maxTombstones bounds the Conns in that state; the oldest goes first.
	maxTombstones = 1024
)

// Reset codes (SPEC.md, "Reset codes").
const (
	resetLinger   = 1 // what was written could not be delivered in time
	resetProtocol = 2 // the peer broke the protocol
	resetUnused   = 3 // nobody accepted the Conn
	resetAborted  = 4 // the application gave the Conn up
)

// Close implements net.Conn. It wakes Read and Write at once, then gives what
// was written, and the end behind it, up to a second to be acknowledged; the
// rest lingers.
func (c *Conn) Close() error {
	if c.beginClose() {
		c.flush()
	}
	return nil
}

// flush waits until the peer has everything, for as long as anything moves: a
// window that is not open yet looks like that of a peer that does not read. An
// end that follows nothing recent is not waited for.
func (c *Conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := time.Now().Add(flushWait)
	timer := time.AfterFunc(flushWait, c.wake)
	defer timer.Stop()
	for c.state == stateClosing && !c.stream.Acknowledged() {
		patience := max(stallWait, c.stream.ProbeTimeout()) // a far path answers later
		wait := time.Until(earlier(end, latest(c.wroteAt, c.stream.MovedAt()).Add(patience)))
		if wait <= 0 {
			return
		}
		timer.Reset(wait)
		c.changed.Wait()
	}
}

// beginClose closes the Conn for the application and reports whether it was
// not closed before.
func (c *Conn) beginClose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	now := time.Now()
	c.closed = true
	c.readDeadline.stop()
	c.writeDeadline.stop()
	switch {
	case c.state >= stateTombstone:
		c.stream.Abandon()
		c.done()
	case c.state == stateHalfOpen:
		c.remove()
	default:
		c.stream.Close()
		c.state = stateClosing
		c.until = now.Add(c.linger())
	}
	c.changed.Broadcast()
	c.update(now)
	return true
}

// Abort closes the Conn without delivering what is left; the peer's Read fails
// after what had arrived.
func (c *Conn) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	c.readDeadline.stop()
	c.writeDeadline.stop()
	now := time.Now()
	c.reset(resetAborted, net.ErrClosed, now)
	c.changed.Broadcast()
	c.update(now)
}

func (c *Conn) linger() time.Duration {
	if t := c.engine.config.PeerTimeout; t > 0 {
		return min(t, maxLinger)
	}
	return maxLinger
}

// Shutdown ends the stream towards the peer, waits until the peer has
// everything, and closes the Conn, which it does in any case.
func (c *Conn) Shutdown(ctx context.Context) error {
	if err := c.CloseWrite(); err != nil {
		c.Close()
		return err
	}
	stop := context.AfterFunc(ctx, c.wake)
	defer stop()
	err := c.waitAcknowledged(ctx)
	c.Close()
	return err
}

func (c *Conn) waitAcknowledged(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.stream.Refused():
			return errPeerClosed
		case c.stream.Acknowledged() && c.err == nil:
			return nil
		case c.closed:
			return net.ErrClosed
		case c.err != nil:
			return c.err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		c.changed.Wait()
	}
}

// fail ends the Conn with an error for the application, which can still read
// what had arrived. It is called with c.mu held.
func (c *Conn) fail(err error) {
	if c.err != nil || c.state >= stateTombstone {
		return
	}
	c.err = err
	c.engine.config.Logger.Debug("connection failed", "conn", c.logName(), "error", err)
	c.changed.Broadcast()
}

// abort fails the Conn and forgets it: the peer cannot be told.
func (c *Conn) abort(err error) {
	c.fail(err)
	c.stream.DropUnsent()
	c.remove()
}

// reset fails the Conn and tells the peer. The application can still read what
// had arrived, unless it has closed.
func (c *Conn) reset(code uint64, err error, now time.Time) {
	c.fail(err)
	c.stream.Reset(code)
	if c.closed {
		c.stream.Abandon()
	}
	c.entomb(now)
}

// entomb makes a tombstone of the Conn.
func (c *Conn) entomb(now time.Time) {
	if c.state >= stateTombstone {
		return
	}
	c.state = stateTombstone
	c.until = now.Add(tombstoneLife)
	c.done()
	c.engine.bury(c)
}

// remove forgets the Conn.
func (c *Conn) remove() {
	if c.state == stateRemoved {
		return
	}
	c.state = stateRemoved
	c.done()
	c.endResume()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.engine.forget(c)
	if c.closed {
		c.stream.Abandon()
	}
}

// discard removes the Conn of a closed Engine, whose Reads and Writes fail.
func (c *Conn) discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.fail(net.ErrClosed)
	c.stream.Abandon()
	c.remove()
	c.changed.Broadcast()
}

// done runs what waits for the end of the Conn, which has come when it has
// failed or delivered everything, and the application has closed it: until then
// it may still read what had arrived.
func (c *Conn) done() {
	if c.finished || !c.closed || c.state < stateTombstone {
		return
	}
	c.finished = true
	for _, f := range c.onDone {
		f()
	}
	c.onDone = nil
	c.changed.Broadcast()
}

// AfterDone calls f, which must not block, once the Conn is closed and nothing
// lingers any more.
func (c *Conn) AfterDone(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		f()
		return
	}
	c.onDone = append(c.onDone, f)
}

// waitDone waits until nothing lingers any more, or until the deadline.
func (c *Conn) waitDone(deadline time.Time) {
	wait := time.AfterFunc(time.Until(deadline), c.wake)
	defer wait.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.finished && time.Now().Before(deadline) {
		c.changed.Wait()
	}
}

// Draining is how long after the end of a Conn its Endpoint should stay, so
// that a lost last ACK can be repeated (RFC 9000, 10.2.2: three probe timeouts).
func (c *Conn) Draining() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return 3 * c.stream.ProbeTimeout()
}

// mayWrite reports whether the stream may still send packets.
func (c *Conn) mayWrite() bool { return c.state != stateHalfOpen && c.state != stateRemoved }
