package ui

import (
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
)

// StreamEnd says, for a record, how a stream ended that joined a connection on this
// machine, which here names, with one to the other side.
func StreamEnd(err error, here string) string {
	var known *engine.Error
	switch {
	case err == nil:
		return "complete"
	case errors.As(err, &known) && errors.Is(known.Kind, mqtte2e.ErrPeerGone):
		// What to check follows the semicolon; it is no matter for a record.
		text, _, _ := strings.Cut(Place{}.known(known), ";")
		return text
	case errors.Is(err, engine.ErrRevoked):
		return "its key is not served any more"
	case errors.Is(err, engine.ErrRevokedThere):
		return "the listener does not serve our key any more"
	case errors.Is(err, net.ErrClosed):
		return "ended on this side" // only the end of a Conn closes what is joined
	}
	if !failedThere(err) {
		return broken(err, here, "failed: "+Reason(err))
	}
	return broken(err, "the other side", "failed")
}

func broken(err error, who, otherwise string) string {
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return who + " reset it"
	case errors.Is(err, syscall.EPIPE):
		return who + " reads no more"
	}
	return who + " " + otherwise
}

// failedThere tells by the innermost operation which of two connections failed:
// a copy from one to the other wraps the error of either in an error of TCP's.
func failedThere(err error) bool {
	var op *net.OpError
	for errors.As(err, &op) {
		err = op.Err
	}
	return op != nil && op.Net == "mqtt"
}
