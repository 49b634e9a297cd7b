package engine

import (
	"fmt"

	"github.com/mqtt-e2e/mqtte2e/internal/conn"
)

// Error is what calls of this package and of Conns fail with.
type Error = conn.Error

// What went wrong, for errors.Is. The root package exports those but the last two.
var (
	ErrNoAnswer = conn.ErrNoAnswer
	ErrPeerGone = conn.ErrPeerGone
	ErrRefused  = conn.ErrRefused
	ErrBroker   = conn.ErrBroker

	ErrRevoked      = conn.ErrRevoked
	ErrRevokedThere = conn.ErrRevokedThere
)

// noAnswer says that a dial to name reached the broker and no listener.
func noAnswer(name string, cause error) error {
	text := fmt.Sprintf("as %q: check that its listener runs and uses the same broker, that key, name and TopicPrefix are equal on both ends, and the broker's permissions for the topics", name)
	if cause != nil {
		text += " (" + cause.Error() + ")"
	}
	return &Error{Kind: ErrNoAnswer, Cause: cause, Text: text}
}
