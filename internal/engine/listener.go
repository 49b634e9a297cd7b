package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

const (
	// backlog is how many Conns of a Listener may wait to be proved or
	// accepted. Beyond it hellos are refused with a reason.
	backlog = 1024
	// halfOpenLife is how long an answer waits for the dialer's first packet.
	halfOpenLife = 30 * time.Second
)

// A Listener hands out the Conns that dialers of its name make.
type Listener struct {
	engine    *Engine
	name      string
	topic     string
	keys      *handshake.Name
	protocols []string

	mu       sync.Mutex // guards all below; taken after every other lock
	changed  sync.Cond
	halfOpen map[[32]byte]*Conn // by the digest of their hello
	waiting  []*Conn            // proved, not yet accepted; with halfOpen at most backlog
	closed   bool
}

// Listen subscribes to the name's rendezvous topic. name is valid and folded.
func (e *Engine) Listen(ctx context.Context, name string, protocols []string) (*Listener, error) {
	ctx, cancel := withTimeout(ctx, dialTimeout)
	defer cancel()
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	l := &Listener{engine: e, name: name, keys: e.name(name), protocols: protocols, halfOpen: make(map[[32]byte]*Conn)}
	l.changed.L = &l.mu
	l.topic = handshake.Topic(e.config.TopicPrefix, l.keys.Rendezvous)
	if err := e.register(l); err != nil {
		return nil, err
	}
	if err := e.link.Subscribe(ctx, l.topic, l.receive); err != nil {
		l.Close()
		return nil, e.brokerError(err)
	}
	return l, nil
}

var errListening = errors.New("this Endpoint already listens under the name")

func (e *Engine) register(l *Listener) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return net.ErrClosed
	}
	if e.listeners[l.name] != nil {
		return fmt.Errorf("%w %q; accept from that Listener, or close it first", errListening, l.name)
	}
	e.listeners[l.name] = l
	return nil
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
	e.mu.Lock()
	if e.listeners[l.name] == l {
		delete(e.listeners, l.name)
	}
	e.mu.Unlock()
	e.link.Unsubscribe(l.topic)
	for _, c := range unused {
		c.refuse()
	}
	return nil
}

// refuse ends a Conn that nobody will accept.
func (c *Conn) refuse() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.closed = true
	if c.state == stateHalfOpen {
		c.remove()
		return
	}
	c.reset(resetUnused, net.ErrClosed, now)
	c.update(now)
}

// receive handles what arrives on the rendezvous topic.
func (l *Listener) receive(_, payload []byte, now time.Time) {
	m, err := l.keys.Envelope().Open(payload)
	var version *handshake.VersionError
	switch {
	case errors.As(err, &version) && version.Hello != nil:
		l.refuse(*version.Hello, now, handshake.RefusedVersion, err.Error())
		return
	case err != nil:
		l.engine.rejected.Add(1)
		return
	}
	switch m := m.(type) {
	case handshake.Hello:
		l.hello(m, now)
	case handshake.Probe:
		if l.engine.limits.probes.Allow(now) {
			l.engine.toInbox(m.Inbox, handshake.Pong{Nonce: m.Nonce})
		}
	case handshake.Check:
		l.engine.receiveCheck(m, now)
	default:
		l.engine.rejected.Add(1)
	}
}

// refuse tells a dialer why it gets no Conn.
func (l *Listener) refuse(hello handshake.Hello, now time.Time, code handshake.RefusalCode, reason string) {
	if l.engine.limits.refusals.Allow(now) {
		l.engine.toInbox(hello.Inbox, handshake.NewRefusal(hello.ID, code, reason))
	}
}

// hello goes from the cheap checks to the costly ones (SPEC.md, "Hello").
func (l *Listener) hello(m handshake.Hello, now time.Time) {
	e := l.engine
	wall := e.config.Wall()
	if !handshake.InTime(m.Time, wall, e.config.TimeWindow) {
		if e.limits.times.Allow(now) {
			e.toInbox(m.Inbox, handshake.Time{ID: m.ID, Hello: m.Time, Listener: wall})
		}
		return
	}
	digest := m.Digest()
	if c := l.pending(digest); c != nil {
		if e.limits.repeats.Allow(now) {
			e.toInbox(m.Inbox, c.origin.answer)
		}
		return
	}
	if l.full() {
		l.refuse(m, now, handshake.RefusedBusy, "too many connections wait to be accepted; try again later")
		return
	}
	if !e.replays.Add(digest, m.Time.Add(e.config.TimeWindow), wall) {
		e.rejected.Add(1)
		return
	}
	l.respond(m, digest, now)
}

// respond does the public-key work and leaves a half-open Conn.
func (l *Listener) respond(m handshake.Hello, digest [32]byte, now time.Time) {
	e := l.engine
	responder, offer, err := l.keys.Respond(m)
	switch {
	case errors.Is(err, handshake.ErrPinned):
		l.refuse(m, now, handshake.RefusedPinned, err.Error())
		return
	case err != nil:
		e.rejected.Add(1)
		return
	}
	protocol, ok := handshake.Select(offer.Protocols, l.protocols)
	if !ok {
		reason := fmt.Sprintf("dialer offers %s, listener has %s", list(offer.Protocols), list(l.protocols))
		l.refuse(m, now, handshake.RefusedProtocol, reason)
		return
	}
	reply := handshake.Reply{ID: random8(), Inbox: e.inbox, MaxMessageSize: e.config.MaxMessageSize, Protocol: protocol}
	answer, secrets, err := responder.Finish(rand.Reader, reply)
	if err != nil {
		e.rejected.Add(1)
		return
	}
	c := e.newConn(reply.ID, origin{
		name: l.name, protocol: protocol, logID: secrets.LogID, peerID: offer.ID, peerInbox: offer.Inbox,
		digest: digest, listener: l, answer: answer,
	}, secrets.ToListener, secrets.ToDialer, offer.MaxMessageSize, now)
	l.admit(c, now)
}

// admit sends the answer and waits for the dialer's proof.
func (l *Listener) admit(c *Conn, now time.Time) {
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.halfOpen[c.origin.digest] = c
	}
	l.mu.Unlock()
	if closed || !l.engine.enter(c, now) {
		return
	}
	c.mu.Lock()
	c.until = now.Add(halfOpenLife)
	c.update(now)
	c.mu.Unlock()
	l.engine.toInbox(c.origin.peerInbox, c.origin.answer)
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
	l.engine.config.Logger.Debug("accepted", "conn", c.logName(), "name", l.name, "protocol", c.origin.protocol)
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

// list writes protocols for people.
func list(protocols []string) string {
	if len(protocols) == 0 {
		protocols = []string{""}
	}
	quoted := make([]string, len(protocols))
	for i, p := range protocols {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	return strings.Join(quoted, " ")
}

// Stats returns the counts of the Listener's Engine.
func (l *Listener) Stats() Stats { return l.engine.Stats() }
