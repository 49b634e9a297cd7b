package main

import (
	"context"
	"sync"
)

// inFlight is how many messages the clients without flow control of their own may have between publisher and subscriber.
const inFlight = 32

// window is the flow control of the bare client and of paho: the subscriber tells the publisher what arrived, inside the
// process, so that it costs them no message.
type window struct {
	mu     sync.Mutex
	moved  sync.Cond
	free   int
	closed bool
}

func newWindow() *window {
	w := &window{free: inFlight}
	w.moved.L = &w.mu
	return w
}

// take waits until messages may be sent and takes up to limit of them; 0: the transfer is over.
func (w *window) take(limit int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.free == 0 && !w.closed {
		w.moved.Wait()
	}
	if w.closed {
		return 0
	}
	n := min(limit, w.free)
	w.free -= n
	return n
}

// give returns messages that arrived.
func (w *window) give(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free += n
	w.moved.Signal()
}

// closeWith ends the window together with ctx, and returns what ends that.
func (w *window) closeWith(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.closed = true
		w.moved.Signal()
	})
}
