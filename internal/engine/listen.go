package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
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
	l := &Listener{engine: e, name: name, keys: e.name(name), protocols: slices.Clone(protocols), halfOpen: make(map[[32]byte]*Conn)}
	l.changed.L = &l.mu
	l.topic = handshake.Topic(e.config.TopicPrefix, l.keys.Rendezvous)
	if err := e.register(l); err != nil {
		return nil, err
	}
	if err := e.link.Subscribe(ctx, l.topic, l.receive); err != nil {
		l.Close()
		return nil, e.brokerError(err)
	}
	l.lookForNamesake(time.Now())
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
