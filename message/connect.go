package message

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// connect subscribes under every key and waits until one of the brokers is reached, which is enough: the others are tried for as long
// as the Session lasts. Suffix "" subscribes to nothing.
func (s *Session) connect(ctx context.Context, suffix string) error {
	for i, lane := range s.outbox.lanes {
		if err := s.subscribe(ctx, lane.link, i, suffix); err != nil {
			return err
		}
	}
	if err := s.connectFirst(ctx); err != nil {
		return err
	}
	for _, lane := range s.outbox.lanes {
		lane.link.Persist()
	}
	return nil
}

// subscribe subscribes on a link that does not connect yet, and has the number i.
func (s *Session) subscribe(ctx context.Context, l *link.Link, i int, suffix string) error {
	if suffix == "" {
		return nil
	}
	for _, p := range s.peers {
		handle := func(topic, packet []byte, _ time.Time) { s.inbox.handle(p, i, topic, packet) }
		if err := l.Subscribe(ctx, Topic(p.key, suffix), handle); err != nil {
			return err
		}
	}
	return nil
}

// connectFirst returns when the first link is up, or all have failed.
func (s *Session) connectFirst(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(link.BrokerErrors, len(s.outbox.lanes))
	for outcome := range s.connectAll(ctx) {
		if outcome.err == nil {
			return nil
		}
		failed[outcome.link] = link.BrokerError{Broker: s.outbox.lanes[outcome.link].broker, Err: outcome.err}
	}
	return failed
}

// Reach waits until every broker of the address is reached, for which Dial does not wait, or ctx ends. Then the error says which are
// not, and why. It is for who sends one message to somebody who may be at another broker than the one that answers first.
func (s *Session) Reach(ctx context.Context) error {
	var failed link.BrokerErrors
	for outcome := range s.connectAll(ctx) {
		if outcome.err != nil {
			failed = append(failed, link.BrokerError{Broker: s.outbox.lanes[outcome.link].broker, Err: outcome.err})
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("message: %w: %w", mqtte2e.ErrBroker, failed)
	}
	return nil
}

// An outcome is what became of a wait for a link.
type outcome struct {
	link int
	err  error
}

// connectAll waits for every link, and returns a channel with the outcome of each, in the order in which they come.
func (s *Session) connectAll(ctx context.Context) <-chan outcome {
	outcomes := make(chan outcome, len(s.outbox.lanes))
	var waits sync.WaitGroup
	for i, lane := range s.outbox.lanes {
		waits.Go(func() { outcomes <- outcome{i, lane.link.Connect(ctx)} })
	}
	go func() {
		waits.Wait()
		close(outcomes)
	}()
	return outcomes
}
