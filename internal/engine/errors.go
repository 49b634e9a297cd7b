package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/internal/conn"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// Error is what calls of this package and of Conns fail with.
type Error = conn.Error

// What went wrong, for errors.Is. The root package exports the first four.
var (
	ErrNoAnswer = conn.ErrNoAnswer
	ErrPeerGone = conn.ErrPeerGone
	ErrRefused  = conn.ErrRefused
	ErrBroker   = conn.ErrBroker

	ErrOffline      = conn.ErrOffline
	ErrRevoked      = conn.ErrRevoked
	ErrRevokedThere = conn.ErrRevokedThere
)

// noAnswer says that a dial to name reached a broker and no listener. Brokers that were not reached are part of the
// cause: it may be one of these that the listener uses.
func (e *Engine) noAnswer(name string, cause error) error {
	text := fmt.Sprintf("as %q: check that its listener runs and uses %s, that key, name and TopicPrefix are equal on both ends, and the broker's permissions for the topics", name, e.sameBroker())
	if cause != nil {
		text += " (" + cause.Error() + ")"
	}
	if away := e.away(); len(away) > 0 {
		text += "; not connected: " + away.Error()
		cause = errors.Join(cause, away)
	}
	return &Error{Kind: ErrNoAnswer, Cause: cause, Text: text}
}

// sameBroker names what a listener has to share with us.
func (e *Engine) sameBroker() string {
	if len(e.uplinks) == 1 {
		return "the same broker"
	}
	tried := make([]string, len(e.uplinks))
	for i, u := range e.uplinks {
		tried[i] = u.broker.String()
	}
	return "one of the brokers " + strings.Join(tried, ", ")
}

// away are the brokers to which there is no connection, of several.
func (e *Engine) away() (away link.BrokerErrors) {
	for _, u := range e.uplinks {
		if why := u.link.Trouble(); why != nil && len(e.uplinks) > 1 {
			away = append(away, link.BrokerError{Broker: u.broker, Err: why})
		}
	}
	return away
}
