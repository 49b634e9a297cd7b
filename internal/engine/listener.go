package engine

import (
	"net"
	"sync"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// backlog is how many Conns of a Listener may wait to be proved or accepted.
// Beyond it hellos are refused with a reason.
const backlog = 1024

// A Listener hands out the Conns that dialers of its name make.
type Listener struct {
	engine    *Engine
	name      string
	topic     string
	keys      *handshake.Name
	protocols []string
	namesake  namesake

	mu       sync.Mutex // guards all below; taken after every other lock
	changed  sync.Cond
	halfOpen map[[32]byte]*Conn // by the digest of their hello
	waiting  []*Conn            // proved, not yet accepted; with halfOpen at most backlog
	closed   bool
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
	unused := append(values(l.halfOpen), l.waiting...)
	l.waiting = nil
	l.changed.Broadcast()
	l.mu.Unlock()

	e := l.engine
	e.link.Unsubscribe(l.topic)
	// Only now may somebody else subscribe to the topic.
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
// is still open.
func (l *Listener) await(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.halfOpen[c.origin.digest] = c
	}
	return !l.closed
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

func (l *Listener) pending(digest [32]byte) *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.halfOpen[digest]
}

func (l *Listener) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.halfOpen)+len(l.waiting) >= backlog
}

// Stats returns the counts of the Listener's Engine.
func (l *Listener) Stats() Stats { return l.engine.Stats() }
