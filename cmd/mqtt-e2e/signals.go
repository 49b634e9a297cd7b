package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// withSignals returns a context that ends, with errInterrupted as its cause, at
// the first signal that asks the program to end. The next one ends it at once.
func withSignals(parent context.Context) (context.Context, func()) {
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
	go func() {
		<-signals
		signal.Stop(signals)
		cancel(errInterrupted)
	}()
	return ctx, func() { cancel(nil) }
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
