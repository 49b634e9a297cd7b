package tunnel

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
	_, _, err := join(a, b)
	return err
}

// join is Join, and counts the bytes that a and b were given.
func join(a, b net.Conn) (toA, toB int64, err error) {
	results := make(chan error, 2)
	go func() { results <- pipe(a, b, &toA) }()
	go func() { results <- pipe(b, a, &toB) }()
	err = <-results
	if err != nil && !stopped(err) {
		Abort(a)
		Abort(b)
		<-results
		return toA, toB, err
	}
	if last := <-results; last != nil {
		err = last
	}
	if err != nil {
		Abort(a)
		Abort(b)
		return toA, toB, err
	}
	a.Close()
	b.Close()
	return toA, toB, nil
}

// stopped reports whether the reader of a direction wants no more, which says
// nothing about the other direction: what it answers may be under way still.
func stopped(err error) bool { return errors.Is(err, syscall.EPIPE) }

// pipe copies one direction to its end, and counts.
func pipe(to, from net.Conn, count *int64) (err error) {
	if *count, err = io.Copy(to, from); err != nil {
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
