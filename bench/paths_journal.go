package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// meetTimeout is how long an Endpoint may take to connect to all brokers.
const meetTimeout = 20 * time.Second

// journal reads what an Endpoint logs: it is the only one to know of its single connections.
type journal struct {
	slog.Handler
	mu        sync.Mutex     // guards all below
	connected int            // connections to brokers so far
	changed   chan struct{}  // closed and made anew with each
	reasons   map[string]int // of moves, and how many had each
}

// What is logged, as internal/link and internal/engine have it.
const (
	connectedMessage = "connected to the broker"
	movedMessage     = "a connection goes on by another broker"
)

func newJournal() *journal {
	return &journal{Handler: slog.DiscardHandler, changed: make(chan struct{}), reasons: make(map[string]int)}
}

func (j *journal) logger() *slog.Logger { return slog.New(j) }

// Enabled implements slog.Handler.
func (j *journal) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (j *journal) Handle(_ context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch r.Message {
	case connectedMessage:
		j.connected++
		close(j.changed)
		j.changed = make(chan struct{})
	case movedMessage:
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "reason" {
				j.reasons[a.Value.String()]++
			}
			return true
		})
	}
	return nil
}

// awaitConnected waits until so many connections were made.
func (j *journal) awaitConnected(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, meetTimeout)
	defer cancel()
	for {
		j.mu.Lock()
		connected, changed := j.connected, j.changed
		j.mu.Unlock()
		if connected >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("an Endpoint has %d of %d connections", connected, n), ctx.Err())
		}
	}
}

// moved returns why Conns moved.
func (j *journal) moved() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.reasons)
}
