// Package relay joins two connections: what one end sends, the other gets, end
// of stream and failure included.
package relay

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// Join copies in both directions until both have ended, and closes a and b. End
// of stream in one direction is passed on and leaves the other open. If a
// direction fails, both connections are aborted, so that neither end takes a
// stream that was cut for one that is complete, and the failure is returned.
func Join(a, b net.Conn) error {
	results := make(chan error, 2)
	go func() { results <- pipe(a, b) }()
	go func() { results <- pipe(b, a) }()
	first := <-results
	if first != nil && !stopped(first) {
		Abort(a)
		Abort(b)
		<-results
		return first
	}
	second := <-results
	if err := errors.Join(first, second); err != nil {
		Abort(a)
		Abort(b)
		return err
	}
	a.Close()
	b.Close()
	return nil
}

// stopped reports whether the reader of a direction wants no more, which says
// nothing about the other direction: what it answers may be under way still.
func stopped(err error) bool { return errors.Is(err, syscall.EPIPE) }

// pipe copies one direction to its end.
func pipe(to, from net.Conn) error {
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	return CloseWrite(to)
}

// CloseWrite ends the stream towards the peer of conn.
func CloseWrite(conn net.Conn) error {
	err := conn.(interface{ CloseWrite() error }).CloseWrite()
	// The peer may have gone after it got everything.
	if errors.Is(err, syscall.ENOTCONN) {
		return nil
	}
	return err
}

// Abort closes conn so that its peer sees a failure and not the end of the
// stream, where its kind of connection can say so.
func Abort(conn net.Conn) {
	switch c := conn.(type) {
	case interface{ SetLinger(seconds int) error }:
		c.SetLinger(0) // makes Close send RST
	case interface{ Reset() error }:
		c.Reset()
	}
	conn.Close()
}
