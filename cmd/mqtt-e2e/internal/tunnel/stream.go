package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/mux"
)

const (
	// requestTimeout bounds how long the side that opened a stream takes to say
	// what it is for, which it does in its first packet (TUNNEL.md, "Form of a header").
	requestTimeout = 10 * time.Second

	// DialTimeout bounds the connection to a target; TCP itself would try for
	// two minutes, longer than any peer waits.
	DialTimeout = 10 * time.Second

	// ArrivalTimeout bounds the answer to an arrival, before which the other side
	// connects to its target.
	ArrivalTimeout = 2 * DialTimeout

	// acceptPause is waited after an Accept that failed, before the next one.
	acceptPause = 50 * time.Millisecond
)

// OpenStream opens a stream and returns it when the other side has done what
// request asks for. Its error is an *Error if the other side says that it has
// not. The context bounds the call only.
func OpenStream(ctx context.Context, session *mux.Session, request Request) (net.Conn, error) {
	stream, err := session.Open(ctx)
	if err != nil {
		return nil, err
	}
	// A deadline in the past wakes the stream's Read and Write.
	stop := context.AfterFunc(ctx, func() { stream.SetDeadline(time.Unix(1, 0)) })
	err = ask(stream, request)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		Abort(stream)
		return nil, err
	}
	return stream, nil
}

// ask sends a request and waits for its reply.
func ask(stream net.Conn, request Request) error {
	if err := request.Write(stream); err != nil {
		return err
	}
	reply, err := ReadReply(stream)
	if err != nil {
		return err
	}
	return reply.Err()
}

// AcceptRequest reads the request of a stream that the other side has opened,
// and aborts a stream without one.
func AcceptRequest(stream net.Conn) (Request, error) {
	stream.SetDeadline(time.Now().Add(requestTimeout))
	request, err := ReadRequest(stream)
	if err != nil {
		Abort(stream)
		return Request{}, err
	}
	stream.SetDeadline(time.Time{})
	return request, nil
}

// UnknownKind is the reason for the code Unknown.
func UnknownKind(kind Kind) error {
	return fmt.Errorf("a request of kind %d is unknown here", kind)
}

// AcceptAll calls handle, which must not block, for each connection to a port,
// until that is closed.
func AcceptAll(port net.Listener, handle func(net.Conn)) {
	for {
		conn, err := port.Accept()
		switch {
		case err == nil:
			handle(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// Out of descriptors, for one: the next try may find some.
			time.Sleep(acceptPause)
		}
	}
}
