package engine

import (
	"context"
	"net"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// start connects to all brokers, unless that was done, and returns as soon as one can be used. The others are
// tried for ever from then on.
func (e *Engine) start(ctx context.Context) error {
	if e.isClosed() {
		return net.ErrClosed
	}
	if !e.links.Any() {
		trying, enough := context.WithCancel(ctx)
		defer enough()
		if err := e.anywhere(func(u *uplink) error { return u.link.Connect(trying) }, nil); err != nil {
			return err
		}
	}
	e.persist()
	return nil
}

// persist has all brokers tried for ever: one of them works, or did.
func (e *Engine) persist() {
	e.persisting.Do(func() {
		for _, u := range e.uplinks {
			u.link.Persist()
		}
	})
}

// anywhere does something on all links at once. It returns nil when that has succeeded on one, and else the reasons
// of all. If late is not nil it is told of failures after a success, on another goroutine.
func (e *Engine) anywhere(do func(u *uplink) error, late func(why link.BrokerError)) error {
	if len(e.uplinks) == 1 {
		return e.brokerError(do(e.uplinks[0]))
	}
	return e.brokerError(link.Anywhere(e.config.Brokers, func(number int) error { return do(e.uplinks[number]) }, late))
}

// brokerError dresses what went wrong with a broker, or with all.
func (e *Engine) brokerError(err error) error {
	switch {
	case err == nil:
		return nil
	case e.isClosed():
		return net.ErrClosed
	}
	return &Error{Kind: ErrBroker, Cause: err, Text: err.Error()}
}
