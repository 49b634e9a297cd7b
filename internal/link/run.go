package link

import (
	"sync/atomic"
	"time"
)

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
	for {
		err := r.connectOnce()
		if r.shouldEnd(err) {
			return
		}
		delay := r.backoff.next(time.Now())
		l.config.Logger.Debug("reconnecting to the broker", "in", delay)
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-l.ctx.Done():
			timer.Stop()
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
	pingRequested := new(atomic.Bool)
	transport, err := l.config.dial(l.ctx, func() {
		pingRequested.Store(true)
		l.Wake()
	})
	if err != nil {
		l.config.Logger.Debug("the broker cannot be reached", "error", err)
		return err
	}
	l.trickles.Store(transport.trickles)
	connection := newConnection(transport, l.parts, pingRequested)
	l.setGreeting(true)
	session, err := openSession(l.ctx, connection, &l.config.Address)
	l.setGreeting(false)
	if err != nil {
		l.config.Logger.Debug("the broker does not let us in", "error", err)
		return err
	}
	l.setConnected(true)
	err = r.serve(session)
	l.setConnected(false)
	r.end(session, err)
	return err
}

// serve brings the connection up and keeps its subscriptions until it is over.
func (r *runLoop) serve(session *mqttSession) error {
	l := r.link
	if err := r.subscribe(session); err != nil {
		return err
	}
	connection := session.connection
	close(connection.outbound.subscribed)
	l.Wake()
	select {
	case <-connection.outbound.up:
	case <-connection.failed:
		return connection.err
	}
	l.setUp()
	for {
		select {
		case <-connection.failed:
			return connection.err
		case <-l.ctx.Done():
			return ErrClosed
		case <-l.changes:
			if err := r.subscribe(session); err != nil {
				return err
			}
		}
	}
}

// subscribe brings the broker's subscriptions in line with the link's.
func (r *runLoop) subscribe(session *mqttSession) error {
	for {
		unsubscribe, subscribe := r.link.nextChanges()
		if len(unsubscribe) == 0 && len(subscribe) == 0 {
			return nil
		}
		session.unsubscribe(unsubscribe)
		refused, err := session.subscribe(r.link.ctx, subscribe)
		if err != nil {
			subscribe = refused // the others have no answer
		}
		if refusal := r.link.answered(subscribe, refused); refusal != nil {
			return refusal
		}
		if err != nil {
			return err
		}
	}
}

// end ends a connection and tells the Source. If it is Close that ends it, DISCONNECT gets a chance to be written.
func (r *runLoop) end(session *mqttSession, reason error) {
	l, connection := r.link, session.connection
	if reason != ErrClosed {
		connection.shut(reason)
	}
	session.close()
	if reason == ErrClosed {
		timer := time.NewTimer(farewellTimeout)
		select {
		case <-connection.failed: // by the writer, after DISCONNECT
		case <-timer.C:
		}
		timer.Stop()
		connection.shut(reason)
	}
	r.checkLargest(connection)
	if writer := connection.outbound; writer.isUp {
		if reason != ErrClosed { // whoever closed the link knows
			l.config.Logger.Info("the connection to the broker is over", "reason", reason)
		}
		l.parts.source.Down(connection.ended)
		r.backoff.connectionEnded(connection.ended.Sub(writer.clock.start))
	}
}

// checkLargest gives large packets up when the broker has hung up on them twice.
func (r *runLoop) checkLargest(c *connection) {
	l := r.link
	if l.parts.largest.ended(c.inbound.pongs.Load(), hungUp(c.err)) && !l.small.Swap(true) {
		l.config.Logger.Warn("the broker hung up twice on a large message, so streams send at most 4 KiB at once from now on, which is slower: "+
			"set MaxMessageSize (--max-message-size) on both sides to what the broker takes", "host", l.config.Address.Host)
	}
}

// setGreeting notes whether the broker owes us CONNACK.
func (l *Link) setGreeting(greeting bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.greeting = greeting
}

// setConnected notes whether there is a connection to subscribe on.
func (l *Link) setConnected(connected bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected = connected
	if !connected {
		l.isUp.Store(false)
		l.disconnected()
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
