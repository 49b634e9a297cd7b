package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// subscription is one topic or filter that the link receives.
type subscription struct {
	handler Handler
	result  chan error // of capacity one, for the waiting Subscribe; nil if none waits. Guarded by the Link's mu
}

var errUnsubscribed = errors.New("unsubscribed before the broker answered")

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
	select {
	case err := <-wait:
		return err
	case <-ctx.Done():
		err := l.gaveUp(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.subscriptions[topic] == s {
			l.removeSubscription(topic, err)
		}
		return err
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
	if l.loop != nil {
		s.result = make(chan error, 1)
	}
	l.subscriptions[filter] = s
	l.subscriptionsChanged()
	return s.result, nil
}

// Unsubscribe ends the subscription of a topic or filter. Its handler may still be running, but does not begin again. It does
// not wait for the broker.
func (l *Link) Unsubscribe(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.subscriptions[topic] != nil {
		l.removeSubscription(topic, errUnsubscribed)
	}
}

// removeSubscription ends a subscription and tells the waiting Subscribe why. mu must be held.
func (l *Link) removeSubscription(filter string, reason error) {
	s := l.subscriptions[filter]
	delete(l.subscriptions, filter)
	l.subscriptionsChanged() // first, so that the handler is not called after Subscribe has failed
	s.answer(reason)
}

// subscriptionsChanged tells the reader and the run loop. mu must be held.
func (l *Link) subscriptionsChanged() {
	l.routes.Store(newRoutes(l.subscriptions))
	signal(l.changes)
}

// answer tells the waiting Subscribe, if there is one. The Link's mu must be held.
func (s *subscription) answer(err error) {
	if s.result != nil {
		s.result <- err
		s.result = nil
	}
}

// nextChanges tells every waiting Subscribe that is among what the broker has confirmed, and returns what to ask it for.
func (l *Link) nextChanges(confirmed map[string]bool) (unsubscribe, subscribe []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for filter := range confirmed {
		if l.subscriptions[filter] == nil {
			unsubscribe = append(unsubscribe, filter)
		}
	}
	for filter, s := range l.subscriptions {
		if confirmed[filter] {
			s.answer(nil)
		} else {
			subscribe = append(subscribe, filter)
		}
	}
	slices.Sort(unsubscribe)
	slices.Sort(subscribe)
	return unsubscribe, subscribe
}

// refuse takes note of what the broker refused. That is the waiting Subscribe's error; if nobody waits it is the connection's,
// since a link without one of its subscriptions would look healthy and be deaf. So many others are confirmed.
func (l *Link) refuse(filters []string, confirmed int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, filter := range filters {
		err := subscriptionRefused(filter, confirmed)
		switch s := l.subscriptions[filter]; {
		case s == nil: // unsubscribed in the meantime
		case s.result == nil:
			return err
		default:
			l.removeSubscription(filter, err)
		}
	}
	return nil
}

// loopEnded gives err to every waiting Subscribe, and ends its subscription. mu must be held.
func (l *Link) loopEnded(err error) {
	for filter, s := range l.subscriptions {
		if s.result != nil {
			l.removeSubscription(filter, err)
		}
	}
}
