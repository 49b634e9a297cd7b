package conn

import (
	"context"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
)

const (
	// flushWait is how long Close waits at most for the acknowledgement of what
	// was written, for programs that exit right after it.
	flushWait = time.Second
	// stallWait is after how long without an acknowledgement or credit Close
	// waits no more: five of the shortest probe timeouts.
	stallWait = 500 * time.Millisecond
)

// Close implements net.Conn. It wakes Read and Write at once, then gives what
// was written, and the end behind it, up to a second to be acknowledged; the
// rest lingers.
func (c *Conn) Close() error {
	if c.BeginClose() {
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
	for {
		s := c.stream.Status()
		if s.Acknowledged || c.life.State() != life.Closing {
			return
		}
		moved := c.wroteAt
		if s.MovedAt.After(moved) {
			moved = s.MovedAt
		}
		moved = moved.Add(max(stallWait, s.ProbeTimeout)) // a far path answers later
		wait := min(time.Until(end), time.Until(moved))
		if wait <= 0 {
			return
		}
		timer.Reset(wait)
		c.changed.Wait()
	}
}

// BeginClose closes the Conn for the application and reports whether it was
// not closed before.
func (c *Conn) BeginClose() bool {
	return c.end(func(now time.Time) { c.apply(c.life.Close(now), now) })
}

// Abort closes the Conn without delivering what is left; the peer's Read fails
// after what had arrived.
func (c *Conn) Abort() { c.abort(life.CodeAborted) }

// Refuse is Abort of a Conn that nobody will accept. Its dialer, which may hold
// the answer already, would otherwise find out only when it gives up.
func (c *Conn) Refuse() { c.abort(life.CodeUnused) }

func (c *Conn) abort(code life.Code) {
	c.end(func(now time.Time) { c.apply(c.life.Abort(code, now), now) })
}

// Discard ends the Conn without a word to the peer: its Engine is closed.
func (c *Conn) Discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.apply(c.life.Forget(now), now)
	c.settle()
}

// Expire ends TIME-WAIT early: too many others are in it.
func (c *Conn) Expire() {
	c.event(func(now time.Time) { c.apply(c.life.Leave(now), now) }, time.Now())
}

// end closes the Conn for the application in one of the ways, unless it is closed.
func (c *Conn) end(how func(now time.Time)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Closed() {
		return false
	}
	now := time.Now()
	how(now)
	c.readDeadline.stop()
	c.writeDeadline.stop()
	c.settle()
	c.update(now)
	return true
}

// settle frees what nobody will read any more.
func (c *Conn) settle() {
	c.changed.Broadcast()
	if c.life.Done() {
		c.stream.Abandon(false)
	}
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
	err := c.WaitAcknowledged(ctx)
	c.Close()
	return err
}

// WaitAcknowledged waits until the peer has everything that was written.
func (c *Conn) WaitAcknowledged(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		s := c.stream.Status()
		switch {
		case s.Refused:
			return errPeerClosed
		case s.Acknowledged && c.err == nil:
			return nil
		case c.life.Closed():
			return net.ErrClosed
		case c.err != nil:
			return c.err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		c.changed.Wait()
	}
}

// WaitDone waits until nothing lingers any more, or until the deadline.
func (c *Conn) WaitDone(deadline time.Time) {
	wait := time.AfterFunc(time.Until(deadline), c.wake)
	defer wait.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.life.Done() && time.Now().Before(deadline) {
		c.changed.Wait()
	}
}

// Draining is how long after the end of a Conn its Endpoint should stay, so
// that a lost last ACK can be repeated (RFC 9000, 10.2.2: three probe timeouts).
func (c *Conn) Draining() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return 3 * c.stream.Status().ProbeTimeout
}
