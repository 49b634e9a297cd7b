package link

import (
	"regexp"
	"time"
)

// disconnectTimeout bounds how long Close waits for the network to take the last batch and DISCONNECT.
const disconnectTimeout = 200 * time.Millisecond

// runLoop is the goroutine that makes a Link's connections, one after the other.
type runLoop struct {
	ended chan struct{} // closed when it has ended
	err   error         // why it has; set before ended is closed
}

// run connects and reconnects until the link is closed, or fails to connect the very first time and is not to persist.
func (l *Link) run(loop *runLoop) {
	defer close(loop.ended)
	for !l.shouldEnd(loop, l.connectOnce()) {
		select {
		case <-time.After(l.backoff.next(time.Now())):
		case <-l.ctx.Done():
		}
	}
}

// shouldEnd takes note of the end of an attempt and tells whether the loop ends with it.
func (l *Link) shouldEnd(loop *runLoop, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	closed := l.ctx.Err() != nil
	if closed {
		err = ErrClosed
	}
	l.lastErr = err
	if !closed && l.persists(err) {
		return false
	}
	loop.err = err
	if !closed {
		l.loop = nil
	}
	l.loopEnded(err)
	return true
}

// connectOnce makes one connection and returns when it is over, with the reason.
func (l *Link) connectOnce() error {
	if l.ctx.Err() != nil {
		return ErrClosed
	}
	transport, err := l.config.dial(l.ctx, l.dialer.DialContext, l.Wake)
	if err != nil {
		l.failed("the broker cannot be reached", err)
		return err
	}
	l.smallOnly.Store(transport.smallOnly || l.hungUpTwice)
	c := newConnection(l, transport)
	l.connecting.Store(true)
	err = c.login(&l.config.Broker)
	l.connecting.Store(false)
	if err != nil {
		l.failed("the MQTT handshake failed", err)
		return err
	}
	err = l.serve(c)
	l.isUp.Store(false)
	l.end(c, err)
	return err
}

// serve brings the connection up and keeps its subscriptions until it is over.
func (l *Link) serve(c *connection) error {
	if err := l.updateSubscriptions(c); err != nil {
		return err
	}
	l.source.Up(time.Now())
	c.outbound.isUp.Store(true)
	l.Wake()
	l.setUp()
	for {
		select {
		case <-c.failed:
			return c.err
		case <-l.ctx.Done():
			return ErrClosed
		case <-l.changes:
			if err := l.updateSubscriptions(c); err != nil {
				return err
			}
		}
	}
}

// updateSubscriptions brings the broker's subscriptions in line with the link's.
func (l *Link) updateSubscriptions(c *connection) error {
	for {
		unsubscribe, subscribe := l.nextChanges(c.subscribed)
		c.unsubscribe(unsubscribe)
		if len(subscribe) == 0 {
			return nil
		}
		refused, err := c.subscribe(subscribe)
		if refusal := l.refuse(refused, len(c.subscribed)); refusal != nil {
			return refusal
		}
		if err != nil {
			return err
		}
	}
}

// end ends a connection and tells the Source. If it is Close that ends it, DISCONNECT gets a chance to be written.
func (l *Link) end(c *connection, reason error) {
	if reason == ErrClosed {
		select {
		case <-c.failed: // by the writer, after DISCONNECT
		case <-time.After(disconnectTimeout):
		}
	}
	c.shut(reason)
	l.checkLargest(c)
	if !c.outbound.isUp.Load() {
		return
	}
	if reason != ErrClosed { // whoever closed the link knows
		l.config.Logger.Info("the connection to the broker is over", "host", l.config.Broker.Host, "reason", reason)
	}
	l.source.Down(c.ended, hungUp(c.err))
	l.backoff.connectionEnded(c.ended.Sub(c.inbound.start))
}

// checkLargest gives large packets up when the broker has hung up on them twice.
func (l *Link) checkLargest(c *connection) {
	if l.largest.ended(c.inbound.pongs.Load(), hungUp(c.err)) && !l.hungUpTwice {
		l.hungUpTwice = true
		l.smallOnly.Store(true)
		l.config.Logger.Warn("the broker hung up twice on a large message, so streams send at most 4 KiB at once from now on, which is slower: "+
			"set MaxMessageSize (--max-message-size) on both sides to what the broker takes", "host", l.config.Broker.Host)
	}
}

// setUp notes that the link is up and tells whoever waits for it.
func (l *Link) setUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.everUp {
		l.counters.reconnects.Add(1)
	}
	l.everUp = true
	l.lastReason = ""
	l.isUp.Store(true)
	close(l.cameUp)
	l.cameUp = make(chan struct{})
	l.config.Logger.Info("connected to the broker", "host", l.config.Broker.Host)
}

// failed logs why an attempt has failed, unless the one before it failed for the same reason.
func (l *Link) failed(what string, err error) {
	if l.ctx.Err() != nil {
		return
	}
	if reason := socketAddress.ReplaceAllString(err.Error(), ""); reason != l.lastReason {
		l.lastReason = reason
		l.config.Logger.Debug(what, "host", l.config.Broker.Host, "error", err)
	}
}

// socketAddress matches our own end of a connection in an error, which differs from attempt to attempt.
var socketAddress = regexp.MustCompile(`\S+:\d+->`)
