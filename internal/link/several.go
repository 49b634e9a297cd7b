package link

import (
	"slices"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// A BrokerError is why one of several brokers is of no use.
type BrokerError struct {
	Broker address.Broker
	Err    error
}

// Error names the broker and returns the reason.
func (e BrokerError) Error() string { return e.Broker.String() + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e BrokerError) Unwrap() error { return e.Err }

// BrokerErrors is why none of several brokers is of use: an element for each.
type BrokerErrors []BrokerError

// Error returns all reasons on one line.
func (e BrokerErrors) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns all of them.
func (e BrokerErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// permanent tells whether trying again cures none of them.
func (e BrokerErrors) permanent() bool {
	return !slices.ContainsFunc(e, func(err BrokerError) bool { return !Permanent(err.Err) })
}

// Anywhere does something with each of several brokers, by its number, all at once. It returns nil as soon as that has succeeded with
// one, and else why it failed with each, in their order. late, unless it is nil, is told of failures after a success, on another
// goroutine.
func Anywhere(brokers []address.Broker, do func(number int) error, late func(why BrokerError)) error {
	type result struct {
		number int
		err    error
	}
	results := make(chan result, len(brokers))
	for number := range brokers {
		go func() { results <- result{number, do(number)} }()
	}
	failed := make(BrokerErrors, len(brokers))
	for left := len(brokers) - 1; left >= 0; left-- {
		r := <-results
		switch {
		case r.err != nil:
			failed[r.number] = BrokerError{brokers[r.number], r.err}
			continue
		case late != nil:
			go func() {
				for range left {
					if r := <-results; r.err != nil {
						late(BrokerError{brokers[r.number], r.err})
					}
				}
			}()
		}
		return nil
	}
	return failed
}

// Persist makes the link connect, if it does not yet, and go on trying until Close even if it was never up. It does not wait.
// The first failure is logged; a Connect and a Subscribe that wait go on waiting.
func (l *Link) Persist() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.persistent = true
	if l.loop == nil && l.ctx.Err() == nil {
		l.startLoop()
	}
}

// Trouble is why the link is not up, as far as that is known; nil: it is up, or its first attempt is not over.
func (l *Link) Trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isUp.Load() {
		return nil
	}
	return l.lastErr
}

// startLoop starts the run loop, of which there must be none. mu must be held.
func (l *Link) startLoop() {
	l.loop = &runLoop{ended: make(chan struct{})}
	go l.run(l.loop)
}

// persists tells whether a link that has failed goes on nevertheless. mu must be held.
func (l *Link) persists(err error) bool {
	if l.everUp {
		return true
	}
	if l.persistent && !l.toldDown {
		l.toldDown = true
		l.config.Logger.Info("there is no connection to the broker yet; it is tried again and again", "host", l.config.Broker.Host, "reason", err)
	}
	return l.persistent
}
