package engine

import (
	"context"
	"net"
	"time"
)

// dialTimeout bounds a Dial, Listen or Ping whose context has no deadline.
const dialTimeout = 30 * time.Second

// bound returns ctx with what else ends a call: dialTimeout, if it has no
// deadline of its own, and the end of the Engine.
func (e *Engine) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	cancel := context.CancelFunc(nil)
	if _, ok := ctx.Deadline(); ok {
		ctx, cancel = context.WithCancel(ctx)
	} else {
		ctx, cancel = context.WithTimeout(ctx, dialTimeout)
	}
	stop := context.AfterFunc(e.life, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// gaveUp is the error of a call that its context, or the end of the Engine,
// ended while it waited for the listener under name.
func (e *Engine) gaveUp(name string, cause error) error {
	switch {
	case e.isClosed():
		return net.ErrClosed
	case !e.links.Any():
		return &Error{Kind: ErrBroker, Cause: cause, Text: "the connection was lost while waiting for an answer: " + cause.Error()}
	}
	return e.noAnswer(name, cause)
}
