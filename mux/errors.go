package mux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/hashicorp/yamux"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// errPeerEnded is what is left of a session that the peer closed. It is not
// io.EOF, which would tell a reader that its stream is complete.
var errPeerEnded = fmt.Errorf("mux: the peer closed the session: %w", syscall.ECONNRESET)

// errParity means that the peer is client, or server, like this end.
var errParity = errors.New("mux: the peer opens streams with this end's numbers: one end must be made with Client, the other with Server")

// errTwice means that the peer opens a stream that is open.
var errTwice = errors.New("mux: the peer opened one stream twice, which breaks the protocol of yamux")

// errWindow means that the peer does not keep to what it may send.
var errWindow = errors.New("mux: the peer sent more than its window on a stream, which breaks the protocol of yamux")

// errNotAccepting means that the peer takes no more streams on this session.
var errNotAccepting = errors.New("mux: the peer takes no more streams on this session: dial again")

// errRefused means that the peer has as many streams as it takes, or that those it
// has not accepted yet do.
var errRefused = fmt.Errorf("mux: the peer refused the stream: it has as many as it takes, or does not accept them as fast as they come; try again later: %w", syscall.ECONNREFUSED)

// errFull means that the peer has as many sessions as it takes.
var errFull = fmt.Errorf("mux: the peer refused the session, since it has as many as it takes under this key; end one, or try again later: %w", mqtte2e.ErrRefused)

var errNoConn = errors.New("mux: there is no connection to make a session of: conn is nil")

// errTooManySessions and errTooManyStreams mean that Limits of this end are
// reached.
var (
	errTooManySessions = errors.New("mux: the peer has as many sessions as Limits.MaxSessions lets it have")
	errTooManyStreams  = errors.New("mux: the peer has as many streams as Limits.MaxStreams lets it have")
)

// sessionError says why a session ended, given what yamux says.
func sessionError(err error) error {
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return errPeerEnded
	case errors.Is(err, errFull):
		return errFull
	case errors.Is(err, yamux.ErrSessionShutdown):
		return net.ErrClosed
	}
	return fmt.Errorf("mux: the session ended: %w", err)
}

// opError wraps what net's callers test for: the read errors that net/http
// takes for the end of a connection are *net.OpError.
func opError(op string, conn net.Conn, err error) error {
	return &net.OpError{Op: op, Net: conn.LocalAddr().Network(), Source: conn.LocalAddr(), Addr: conn.RemoteAddr(), Err: err}
}

// dialError wraps why a DialContext to name failed.
func dialError(name string, err error) error {
	return &net.OpError{Op: "dial", Net: "mqtt", Addr: address.OfListener(name), Err: err}
}

// An answerError says that the context of a DialContext ended while it waited for a
// session or a stream.
type answerError struct {
	name  string
	cause error // the context's
}

func (e *answerError) Error() string {
	return fmt.Sprintf("mux: the listener %q did not answer in time: check that it runs and is reachable (%v)", e.name, e.cause)
}

func (e *answerError) Unwrap() []error { return []error{mqtte2e.ErrNoAnswer, e.cause} }

// Timeout makes the *net.OpError around e a timeout where the context was.
func (e *answerError) Timeout() bool { return errors.Is(e.cause, context.DeadlineExceeded) }
