package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// Listen subscribes to the name's rendezvous topic. name is valid and folded.
func (e *Engine) Listen(ctx context.Context, name string, protocols []string) (*Listener, error) {
	// Each has to fit into a hello, where a dialer may offer it alone.
	for _, p := range protocols {
		if err := handshake.CheckProtocols([]string{p}); err != nil {
			return nil, err
		}
	}
	ctx, cancel := e.bound(ctx)
	defer cancel()
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	l := &Listener{
		engine: e, name: name, protocols: slices.Clone(protocols),
		halfOpen: make(map[[32]byte]*Conn), rendezvous: make(map[[16]byte]*rendezvous),
	}
	l.changed.L = &l.mu
	l.life, l.end = context.WithCancel(context.Background())
	if err := e.register(l); err != nil {
		return nil, err
	}
	if err := l.serve(ctx, e.name(name)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// serve hears hellos under one key more. It is entered first: a hello may come right
// after the broker's confirmation, and is not answered when it comes again.
func (l *Listener) serve(ctx context.Context, n *name) error {
	e := l.engine
	r := &rendezvous{Listener: l, name: n, topic: handshake.Topic(e.config.TopicPrefix, n.Rendezvous), rates: newRates(len(e.uplinks))}
	if !l.add(r) {
		return net.ErrClosed
	}
	if err := r.subscribe(ctx); l.life.Err() != nil {
		return net.ErrClosed
	} else if err != nil {
		return err
	}
	r.lookForNamesake(time.Now())
	return nil
}

// subscribe waits until one broker has confirmed, and leaves the others to be waited for as long as the Listener
// lives.
func (r *rendezvous) subscribe(ctx context.Context) error {
	e := r.engine
	waiting, giveUp := context.WithCancelCause(r.life)
	stop := context.AfterFunc(ctx, func() { giveUp(context.Cause(ctx)) })
	defer stop()
	err := e.anywhere(func(u *uplink) error {
		return u.link.Subscribe(waiting, r.topic, r.handler(u))
	}, r.deaf)
	if err != nil {
		giveUp(err)
	}
	return err
}

// deaf takes note of a broker at which nobody can be heard, although others work.
func (r *rendezvous) deaf(why link.BrokerError) {
	if r.life.Err() == nil {
		r.engine.config.Logger.Warn("this broker cannot be listened at; others can", "name", r.name.text, "host", why.Broker.Host, "reason", why.Err)
	}
}

// add enters a rendezvous, and reports whether the Listener is still open.
func (l *Listener) add(r *rendezvous) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.rendezvous[r.name.key] = r
	}
	return !l.closed
}

// SetKeys makes keys what the Listener serves from now on. Conns under a key that is
// gone are reset. After an error it serves what it did before.
func (l *Listener) SetKeys(keys [][16]byte) error {
	l.setting.Lock()
	defer l.setting.Unlock()
	if l.life.Err() != nil {
		return net.ErrClosed
	}
	ctx, cancel := l.engine.bound(l.life)
	defer cancel()
	more, gone := l.compare(keys)
	if err := l.serveAll(ctx, more); err != nil {
		l.drop(more)
		return err
	}
	l.drop(gone)
	return nil
}

// compare returns which of keys are not served, and which are served and not among
// them.
func (l *Listener) compare(keys [][16]byte) (more, gone map[[16]byte]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	more, gone = make(map[[16]byte]bool), make(map[[16]byte]bool)
	for key := range l.rendezvous {
		gone[key] = true
	}
	for _, key := range keys {
		if l.rendezvous[key] == nil {
			more[key] = true
		}
		delete(gone, key)
	}
	return more, gone
}

// subscribingAtOnce is how many keys wait for the broker at once: as many as a few of the
// link's packets hold.
const subscribingAtOnce = 64

// serveAll serves each of the keys.
func (l *Listener) serveAll(ctx context.Context, keys map[[16]byte]bool) error {
	failed, places := make(chan error, len(keys)), make(chan struct{}, subscribingAtOnce)
	for key := range keys {
		places <- struct{}{}
		go func() {
			failed <- l.serve(ctx, l.engine.newName(l.name, key))
			<-places
		}()
	}
	var first error
	for range keys {
		if err := <-failed; first == nil {
			first = err
		}
	}
	return first
}

// drop serves keys no longer, and resets their Conns.
func (l *Listener) drop(keys map[[16]byte]bool) {
	e := l.engine
	l.mu.Lock()
	var topics []string
	for key := range keys {
		if r := l.rendezvous[key]; r != nil {
			topics = append(topics, r.topic)
			delete(l.rendezvous, key)
		}
	}
	l.mu.Unlock()
	for _, topic := range topics {
		e.unsubscribe(topic)
	}
	for _, c := range e.connsWhere(func(c *Conn) bool { return c.origin.listener == l && keys[c.origin.key] }) {
		c.Revoke()
	}
	l.forgetRevoked(keys)
}

// forgetRevoked takes Conns that nobody has accepted yet from those that wait.
func (l *Listener) forgetRevoked(keys map[[16]byte]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(c *Conn) bool { return keys[c.origin.key] })
}

func (e *Engine) unsubscribe(topic string) {
	for _, u := range e.uplinks {
		u.link.Unsubscribe(topic)
	}
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
