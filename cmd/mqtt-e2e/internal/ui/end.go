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
	if err == nil {
		return "complete"
	}
	if text, ok := connEnd(err); ok {
		return text
	}
	if !failedThere(err) {
		return broken(err, here, "failed: "+Reason(err))
	}
	return broken(err, "the other side", "failed")
}

// SessionEnd says, for a log, why a session ended.
func SessionEnd(err error) string {
	text, ok := connEnd(err)
	switch {
	case ok:
		return text
	case errors.Is(err, syscall.ECONNRESET):
		return "the other side ended it"
	}
	return strings.TrimPrefix(err.Error(), "mux: ")
}

// WantsNoMore reports whether a stream failed only because the other side ended it.
func WantsNoMore(err error) bool {
	_, ofConn := connEnd(err)
	return !ofConn && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// connEnd says why a Conn is over that carried a stream or a session, if err is
// about that.
func connEnd(err error) (text string, ok bool) {
	var known *engine.Error
	switch {
	case errors.As(err, &known) && errors.Is(known.Kind, mqtte2e.ErrPeerGone):
		// What to check follows the semicolon; it is no matter for a record.
		text, _, _ := strings.Cut(Place{}.known(known), ";")
		return text, true
	case errors.Is(err, engine.ErrRevoked):
		return "its key is not served any more", true
	case errors.Is(err, engine.ErrRevokedThere):
		return "the listener does not serve our key any more", true
	case errors.Is(err, net.ErrClosed):
		return "ended on this side", true // only the end of a Conn closes what is joined
	}
	return "", false
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
