package link

import "time"

// farewellTimeout bounds how long Close waits for the network to take the last batch and DISCONNECT.
const farewellTimeout = 200 * time.Millisecond

// runLoop makes a Link's connections, one after the other.
type runLoop struct {
	link    *Link
	backoff backoff       // owned by run
	ended   chan struct{} // closed when run has returned
	err     error         // why it has; set before ended is closed
}

// run connects and reconnects until the link is closed, or fails to connect the very first time.
func (r *runLoop) run() {
	defer close(r.ended)
	l := r.link
	for !r.shouldEnd(r.connectOnce()) {
		delay := r.backoff.next(time.Now())
		l.config.Logger.Debug("reconnecting to the broker", "in", delay)
		select {
		case <-time.After(delay):
		case <-l.ctx.Done():
		}
	}
}

// shouldEnd takes note of the end of an attempt and tells whether the loop ends with it.
func (r *runLoop) shouldEnd(err error) bool {
	l := r.link
	l.mu.Lock()
	defer l.mu.Unlock()
	closed := l.ctx.Err() != nil
	if closed {
		err = ErrClosed
	}
	l.lastErr = err
	if !closed && l.everUp {
		return false
	}
	r.err = err
	if !closed {
		l.loop = nil
	}
	l.loopEnded(err)
	return true
}

// connectOnce makes one connection and returns when it is over, with the reason.
func (r *runLoop) connectOnce() error {
	l := r.link
	if l.ctx.Err() != nil {
		return ErrClosed
	}
	transport, err := l.config.dial(l.ctx, l.Wake)
	if err != nil {
		l.config.Logger.Debug("the broker cannot be reached", "error", err)
		return err
	}
	l.trickles.Store(transport.trickles)
	c := newConnection(l, transport)
	l.greeting.Store(true)
	err = c.login(&l.config.Address)
	l.greeting.Store(false)
	if err != nil {
		l.config.Logger.Debug("the broker does not let us in", "error", err)
		return err
	}
	err = r.serve(c)
	l.isUp.Store(false)
	r.end(c, err)
	return err
}

// serve brings the connection up and keeps its subscriptions until it is over.
func (r *runLoop) serve(c *connection) error {
	l := r.link
	if err := r.subscribe(c); err != nil {
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
			if err := r.subscribe(c); err != nil {
				return err
			}
		}
	}
}

// subscribe brings the broker's subscriptions in line with the link's.
func (r *runLoop) subscribe(c *connection) error {
	for {
		unsubscribe, subscribe := r.link.nextChanges(c.subscribed)
		c.unsubscribe(unsubscribe)
		if len(subscribe) == 0 {
			return nil
		}
		refused, err := c.subscribe(subscribe)
		if refusal := r.link.refuse(refused); refusal != nil {
			return refusal
		}
		if err != nil {
			return err
		}
	}
}

// end ends a connection and tells the Source. If it is Close that ends it, DISCONNECT gets a chance to be written.
func (r *runLoop) end(c *connection, reason error) {
	l := r.link
	if reason == ErrClosed {
		select {
		case <-c.failed: // by the writer, after DISCONNECT
		case <-time.After(farewellTimeout):
		}
	}
	c.shut(reason)
	r.checkLargest(c)
	if !c.outbound.isUp.Load() {
		return
	}
	if reason != ErrClosed { // whoever closed the link knows
		l.config.Logger.Info("the connection to the broker is over", "reason", reason)
	}
	l.source.Down(c.ended)
	r.backoff.connectionEnded(c.ended.Sub(c.outbound.clock.start))
}

// checkLargest gives large packets up when the broker has hung up on them twice.
func (r *runLoop) checkLargest(c *connection) {
	l := r.link
	if l.largest.ended(c.inbound.pongs.Load(), hungUp(c.err)) && !l.small.Swap(true) {
		l.config.Logger.Warn("the broker hung up twice on a large message, so streams send at most 4 KiB at once from now on, which is slower: "+
			"set MaxMessageSize (--max-message-size) on both sides to what the broker takes", "host", l.config.Address.Host)
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
	l.isUp.Store(true)
	close(l.cameUp)
	l.cameUp = make(chan struct{})
	l.config.Logger.Info("connected to the broker", "host", l.config.Address.Host)
}
