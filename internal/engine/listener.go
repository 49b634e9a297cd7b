package engine

import (
	"context"
	"net"
	"sync"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

const (
	// backlog is how many Conns of a Listener may wait to be proved or accepted.
	// Beyond it the oldest that was never proved, under the key that has most of these,
	// makes room; if all were, hellos are refused with a reason.
	backlog = 1024
	// maxRepeats is how often the same hello gets its answer again: a dialer says it
	// five times, and a broker may repeat each.
	maxRepeats = 16
)

// A Listener hands out the Conns that dialers of its name make.
type Listener struct {
	engine    *Engine
	name      string
	protocols []string

	life    context.Context // ends with Close
	end     context.CancelFunc
	setting sync.Mutex // held while keys change, which waits for the broker; taken before every other lock

	mu       sync.Mutex // guards all below; taken after every other lock
	changed  sync.Cond
	halfOpen map[[32]byte]*Conn // by the digest of their hello
	waiting  []*Conn            // proved, not yet accepted; with halfOpen at most backlog
	closed   bool

	rendezvous map[[16]byte]*rendezvous // by key
}

// A rendezvous is where a Listener hears the hellos of one key.
type rendezvous struct {
	*Listener
	name     *name
	topic    string
	namesake namesake
	rates    rates // guarded by Engine.handshaking
}

// Name is the name that dialers use.
func (l *Listener) Name() string { return l.name }

// Accept waits for the next Conn whose dialer has proved the key.
func (l *Listener) Accept() (*Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	c := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return c, nil
}

// Close ends Accept. Conns that were accepted live on; the others are reset.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.end()
	unused := append(values(l.halfOpen), l.waiting...)
	l.waiting = nil
	l.changed.Broadcast()
	l.mu.Unlock()

	l.setting.Lock() // which SetKeys gives up now
	defer l.setting.Unlock()
	l.mu.Lock()
	open := values(l.rendezvous)
	l.mu.Unlock()
	e := l.engine
	for _, r := range open {
		e.unsubscribe(r.topic)
	}
	// Only now may somebody else subscribe to the topics.
	e.mu.Lock()
	if e.listeners[l.name] == l {
		delete(e.listeners, l.name)
	}
	e.mu.Unlock()
	for _, c := range unused {
		c.Refuse()
	}
	return nil
}

// await enters a Conn that has yet to be proved. It reports whether the Listener
// is still open, and serves the key.
func (r *rendezvous) await(c *Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	serves := !r.closed && r.Listener.rendezvous[r.name.key] == r
	if serves {
		r.halfOpen[c.origin.digest] = c
	}
	return serves
}

// accept moves a Conn that was proved to Accept. It is called with c.mu held.
func (l *Listener) accept(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.halfOpen, c.origin.digest)
	c.origin.answer = handshake.Answer{}
	if l.closed {
		return
	}
	l.waiting = append(l.waiting, c)
	l.changed.Signal()
	l.engine.config.Logger.Debug("accepted", "conn", c.LogName(), "name", l.name, "protocol", c.origin.protocol)
}

// forget drops a Conn that never was proved.
func (l *Listener) forget(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.halfOpen[c.origin.digest] == c {
		delete(l.halfOpen, c.origin.digest)
	}
}

// pending returns the half-open Conn that a hello with this digest made, nil if there is none, and its answer. Another
// link may bring the proof at the same time.
func (l *Listener) pending(digest [32]byte) (c *Conn, answer handshake.Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c = l.halfOpen[digest]; c != nil {
		answer = c.origin.answer
	}
	return c, answer
}

// room reports whether there is room for another Conn, if need be after the oldest
// that was never proved made room. It is called without any lock.
func (l *Listener) room() bool {
	l.mu.Lock()
	full := len(l.halfOpen)+len(l.waiting) >= backlog
	var oldest *Conn
	if full {
		oldest = l.oldest()
	}
	l.mu.Unlock()
	if oldest != nil {
		oldest.Discard()
	}
	return !full || oldest != nil
}

// oldest returns the oldest Conn that was never proved, of those under the key that has
// most of them: a holder of one key crowds out nobody under another. nil: there is none.
func (l *Listener) oldest() (oldest *Conn) {
	count := make(map[[16]byte]int)
	for _, c := range l.halfOpen {
		count[c.origin.key]++
	}
	for _, c := range l.halfOpen {
		more := 1
		if oldest != nil {
			more = count[c.origin.key] - count[oldest.origin.key]
		}
		if more > 0 || more == 0 && c.began.Before(oldest.began) {
			oldest = c
		}
	}
	return oldest
}

// Stats returns the counts of the Listener's Engine.
func (l *Listener) Stats() Stats { return l.engine.Stats() }
