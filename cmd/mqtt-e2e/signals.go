package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// hangups are the SIGHUPs of a verb that reads its files again at each. They end
// all other verbs.
type hangups struct {
	signals chan os.Signal // all that the program gets
	watched bool           // on a terminal, whose end is a hangup that ends the program all the same
	taken   atomic.Bool
	again   chan struct{} // one waits at most: files that are read now are new enough for all
}

// take takes SIGHUP over, even if it was ignored.
func (h *hangups) take() <-chan struct{} {
	h.watched = ui.IsTerminal(os.Stderr)
	h.taken.Store(true)
	signal.Notify(h.signals, syscall.SIGHUP)
	return h.again
}

// is reports whether a signal was one that is taken over, and passes it on.
func (h *hangups) is(s os.Signal) bool {
	if s != syscall.SIGHUP || !h.taken.Load() || h.watched && !ui.IsTerminal(os.Stderr) {
		return false
	}
	select {
	case h.again <- struct{}{}:
	default:
	}
	return true
}

// withSignals returns a context that ends, with errInterrupted as its cause, at
// the first signal that asks the program to end. The next one ends it at once.
func withSignals(parent context.Context) (context.Context, *hangups, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		// nohup starts programs with SIGHUP ignored, and means it.
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	// Else a write to a standard output that nobody reads would end the program
	// before it has said goodbye to the other side.
	signal.Ignore(syscall.SIGPIPE)
	h := &hangups{signals: signals, again: make(chan struct{}, 1)}
	go func() {
		for h.is(<-signals) {
		}
		signal.Stop(signals)
		cancel(errInterrupted)
	}()
	return ctx, h, func() { cancel(nil) }
}

// inContext returns what read returns or, if the context ends before, its cause,
// and leaves read behind: nothing wakes a read of a terminal, and the program
// ends anyway.
func inContext(ctx context.Context, read func() (string, error)) (string, error) {
	done := make(chan struct{})
	var got string
	var failed error
	go func() {
		defer close(done)
		got, failed = read()
	}()
	select {
	case <-done:
		return got, failed
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
