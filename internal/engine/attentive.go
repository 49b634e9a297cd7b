package engine

import (
	"context"
	"time"
)

// attentiveAfter is the silence after which an attentive Conn asks its peer: a
// person at a terminal hears within some 15 s of an outage in which nothing is
// typed, for six packets a minute in each direction.
const attentiveAfter = 10 * time.Second

type attentiveKey struct{}

// Attentive returns a context for Dial whose Conn asks a silent peer sooner
// than others do, so that SilentSince soon knows of an outage while the Conn is
// idle too. When the Conn gives up does not change.
func Attentive(ctx context.Context) context.Context {
	return context.WithValue(ctx, attentiveKey{}, true)
}

// attend makes a new Conn attentive if the context of its Dial says so.
func (c *Conn) attend(ctx context.Context) {
	if ctx.Value(attentiveKey{}) == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attentive = true
	c.update(time.Now())
}

// askAfter is the silence after which the Conn asks its peer for a sign of life.
func (c *Conn) askAfter() time.Duration {
	after := c.engine.askAfter()
	if c.attentive {
		after = min(after, attentiveAfter)
	}
	return after
}
