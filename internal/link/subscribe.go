package link

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// subscription is one topic or filter that the link receives. Its fields are guarded by the Link's mu.
type subscription struct {
	handler   Handler
	confirmed bool       // on the current connection
	result    chan error // of capacity one, for the waiting Subscribe; nil once somebody was told, or if nobody waits
}

// Subscribe has handler called for the payloads on topic, which may also be a filter with + and #; a payload goes to one
// handler only, and an exact topic comes first. On a link that does not connect yet Subscribe returns at once, and Connect
// fails if the broker refuses. Otherwise it waits for the broker's confirmation, over reconnects if need be, and after an
// error nothing is subscribed. A subscription holds over reconnects until Unsubscribe.
func (l *Link) Subscribe(ctx context.Context, topic string, handler Handler) error {
	if !validFilter(topic) {
		return fmt.Errorf("%q is not a topic of 1 to %d bytes or a valid filter", topic, MaxTopic)
	}
	s := &subscription{handler: handler}
	wait, err := l.addSubscription(topic, s)
	if err != nil || wait == nil {
		return err
	}
	signal(l.changes)
	select {
	case err := <-wait:
		return err
	case <-ctx.Done():
		l.removeSubscription(topic, s)
		return l.gaveUp(ctx)
	}
}

// addSubscription registers s and returns the channel to wait on, nil if no run loop would answer there.
func (l *Link) addSubscription(filter string, s *subscription) (wait <-chan error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ctx.Err() != nil:
		return nil, ErrClosed
	case l.subscriptions[filter] != nil:
		return nil, fmt.Errorf("BUG: link: %q is subscribed twice", filter)
	}
	l.subscriptions[filter] = s
	l.routes.Store(newRoutes(l.subscriptions))
	if l.loop == nil {
		return nil, nil
	}
	s.result = make(chan error, 1)
	return s.result, nil
}

// Unsubscribe ends the subscription of a topic or filter. Its handler may still be running, but does not begin again. It does
// not wait for the broker.
func (l *Link) Unsubscribe(topic string) { l.removeSubscription(topic, nil) }

// removeSubscription removes the subscription of filter if it is s, or any if s is nil.
func (l *Link) removeSubscription(filter string, s *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	current := l.subscriptions[filter]
	if current == nil || s != nil && current != s {
		return
	}
	delete(l.subscriptions, filter)
	l.routes.Store(newRoutes(l.subscriptions))
	if l.connected {
		l.unsubscribes = append(l.unsubscribes, filter)
		signal(l.changes)
	}
}

// nextChanges returns what the broker must be asked for: filters to unsubscribe first, then filters to subscribe.
func (l *Link) nextChanges() (unsubscribe, subscribe []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	unsubscribe, l.unsubscribes = l.unsubscribes, nil
	for _, filter := range unsubscribe {
		if s := l.subscriptions[filter]; s != nil {
			s.confirmed = false // it came back meanwhile; what the broker confirmed was the old one
		}
	}
	for _, filter := range slices.Sorted(maps.Keys(l.subscriptions)) {
		if !l.subscriptions[filter].confirmed {
			subscribe = append(subscribe, filter)
		}
	}
	return unsubscribe, subscribe
}

// answered takes note of the broker's answer to the subscription of filters. A refusal is the waiting Subscribe's error; if
// nobody waits it is the connection's, since a link without one of its subscriptions would look healthy and be deaf.
func (l *Link) answered(filters, refused []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, filter := range filters {
		s := l.subscriptions[filter]
		if s == nil {
			continue // unsubscribed in the meantime
		}
		var err error
		if slices.Contains(refused, filter) {
			err = subscriptionRefused(filter)
		}
		switch {
		case err == nil:
			s.confirmed = true
			s.answer(nil)
		case s.result != nil:
			l.forget(filter, s, err)
		default:
			return err
		}
	}
	return nil
}

// disconnected takes note that there is no connection to subscribe on. mu must be held.
func (l *Link) disconnected() {
	l.unsubscribes = nil
	for _, s := range l.subscriptions {
		s.confirmed = false
	}
}

// answer tells the waiting Subscribe, if there is one. mu must be held.
func (s *subscription) answer(err error) {
	if s.result != nil {
		s.result <- err
		s.result = nil
	}
}

// loopEnded gives err to every waiting Subscribe and forgets its subscription. mu must be held.
func (l *Link) loopEnded(err error) {
	for filter, s := range l.subscriptions {
		if s.result != nil {
			l.forget(filter, s, err)
		}
	}
}

// forget removes a subscription and tells the waiting Subscribe why. mu must be held.
func (l *Link) forget(filter string, s *subscription, err error) {
	delete(l.subscriptions, filter)
	l.routes.Store(newRoutes(l.subscriptions)) // first, so that the handler is not called after Subscribe has failed
	s.answer(err)
}
