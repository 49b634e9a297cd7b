package engine

import (
	"context"
	"errors"
	"net"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// start connects to all brokers, unless that was done, and returns as soon as one can be used. The others are
// tried for ever from then on.
func (e *Engine) start(ctx context.Context) error {
	if e.isClosed() {
		return net.ErrClosed
	}
	if e.links.Any() {
		return nil
	}
	trying, enough := context.WithCancel(ctx)
	defer enough()
	err := e.anywhere(func(u *uplink) error { return u.link.Connect(trying) }, nil)
	if err != nil {
		return err
	}
	for _, u := range e.uplinks {
		u.link.Persist()
	}
	return nil
}

// anywhere does something on all links at once. It returns nil when that has succeeded on one, and else the reasons
// of all. If late is not nil it is told of failures after a success, on another goroutine.
func (e *Engine) anywhere(do func(u *uplink) error, late func(why link.BrokerError)) error {
	if len(e.uplinks) == 1 {
		return e.brokerError(do(e.uplinks[0]))
	}
	results := make(chan link.BrokerError, len(e.uplinks))
	for _, u := range e.uplinks {
		go func() { results <- link.BrokerError{Broker: u.broker, Err: do(u)} }()
	}
	var failed link.BrokerErrors
	for range e.uplinks {
		r := <-results
		if r.Err == nil {
			go tell(late, results, len(e.uplinks)-len(failed)-1)
			return nil
		}
		failed = append(failed, r)
	}
	return e.brokerError(failed)
}

// tell passes failures on, of n results that are yet to come.
func tell(late func(why link.BrokerError), results <-chan link.BrokerError, n int) {
	for range n {
		if r := <-results; r.Err != nil && late != nil {
			late(r)
		}
	}
}

// brokerError dresses what went wrong with a broker, or with all.
func (e *Engine) brokerError(err error) error {
	switch {
	case err == nil:
		return nil
	case e.isClosed() || errors.Is(err, net.ErrClosed):
		return net.ErrClosed
	}
	return &Error{Kind: ErrBroker, Cause: err, Text: err.Error()}
}
