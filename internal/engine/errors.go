package engine

import (
	"fmt"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/internal/conn"
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

// noAnswer says that a dial to name reached a broker and no listener.
func (e *Engine) noAnswer(name string, cause error) error {
	text := fmt.Sprintf("as %q: check that its listener runs and uses %s, that key, name and TopicPrefix are equal on both ends, and the broker's permissions for the topics", name, e.sameBroker())
	if cause != nil {
		text += " (" + cause.Error() + ")"
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
		if !e.links.IsUp(u.number) {
			tried[i] += " (not connected)"
		}
	}
	return "one of the brokers tried here, " + strings.Join(tried, ", ")
}
