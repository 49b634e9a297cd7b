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
	return link.Anywhere(s.brokers, func(number int) error { return s.outbox.lanes[number].link.Connect(ctx) }, nil)
}

// Reach waits until every broker of the address is reached, for which Dial does not wait, or ctx ends. Then the error says which are
// not, and why. It is for who sends one message to somebody who may be at another broker than the one that answers first.
func (s *Session) Reach(ctx context.Context) error {
	errs := make([]error, len(s.brokers))
	var waits sync.WaitGroup
	for i, lane := range s.outbox.lanes {
		waits.Go(func() { errs[i] = lane.link.Connect(ctx) })
	}
	waits.Wait()
	var failed link.BrokerErrors
	for i, err := range errs {
		if err != nil {
			failed = append(failed, link.BrokerError{Broker: s.brokers[i], Err: err})
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("message: %w: %w", mqtte2e.ErrBroker, failed)
	}
	return nil
}
