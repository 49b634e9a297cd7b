package engine

import (
	"context"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// Ping sends one probe to the listener under name and returns the round trip.
// Neither is repeated when it gets lost.
func (e *Engine) Ping(ctx context.Context, name string) (time.Duration, error) {
	ctx, cancel := e.bound(ctx)
	defer cancel()
	if err := e.start(ctx); err != nil {
		return 0, err
	}
	nonce, answered := random8(), make(chan time.Time, 1)
	e.expectPong(nonce, answered)
	defer e.expectPong(nonce, nil)
	sent := time.Now()
	e.probe(e.name(name), nonce)
	select {
	case now := <-answered:
		return now.Sub(sent), nil
	case <-ctx.Done():
		return 0, e.gaveUp(name, ctx.Err())
	}
}

// probe asks who listens under a name.
func (e *Engine) probe(n *name, nonce [8]byte) {
	e.toName(n, func(link uint8) handshake.Message {
		return handshake.Probe{Nonce: nonce, Inbox: e.inbox, Link: link}
	})
}

// expectPong registers who waits for the answer to a probe, or nobody.
func (e *Engine) expectPong(nonce [8]byte, answered chan<- time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if answered == nil {
		delete(e.probes, nonce)
	} else {
		e.probes[nonce] = answered
	}
}
