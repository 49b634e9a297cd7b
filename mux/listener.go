package mux

import (
	"context"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// A Listener makes a Session of each connection that another net.Listener
// accepts, and accepts the streams of all of them.
type Listener struct {
	inner    net.Listener
	limits   *Limits
	accepted chan net.Conn           // unbuffered: streams wait in their sessions
	life     context.Context         // ends when Accept is to fail; the cause is its error
	end      context.CancelCauseFunc // of life
}

var _ net.Listener = (*Listener)(nil)

// Listen listens at address, such as mqtts://broker.example#thermostat, for
// connections that carry streams. The context bounds the call only.
func Listen(ctx context.Context, address string, config *mqtte2e.Config) (*Listener, error) {
	inner, err := mqtte2e.Listen(ctx, address, config, Protocol)
	if err != nil {
		return nil, err
	}
	return NewListener(inner), nil
}

// NewListener returns a Listener for the streams of every connection that inner
// accepts. It owns inner from then on.
func NewListener(inner net.Listener) *Listener { return new(Limits).NewListener(inner) }

func newListener(inner net.Listener, limits *Limits) *Listener {
	l := &Listener{inner: inner, limits: limits, accepted: make(chan net.Conn)}
	l.life, l.end = context.WithCancelCause(context.Background())
	go l.acceptSessions()
	return l
}

// Accept returns the next stream of any session. It fails after Close, with
// net.ErrClosed, and when the inner Listener has failed for good; the end of a
// session does not make it fail.
func (l *Listener) Accept() (net.Conn, error) {
	if l.life.Err() == nil {
		select {
		case st := <-l.accepted:
			return st, nil
		case <-l.life.Done():
		}
	}
	return nil, context.Cause(l.life)
}

// Addr returns the address of the inner Listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Close closes the inner Listener and takes no more streams. Those that Accept
// has returned are not disturbed; a session ends with the last of its streams.
func (l *Listener) Close() error { return l.stop(net.ErrClosed) }

func (l *Listener) stop(cause error) error {
	l.end(cause)
	return l.inner.Close()
}

// Pauses after an error of the inner Listener that it calls temporary, such as
// too many open files; as in net/http.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

func (l *Listener) acceptSessions() {
	pause := minPause
	for {
		conn, err := l.inner.Accept()
		switch {
		case err == nil:
			pause = minPause
			if s, err := l.limits.Server(conn); err == nil {
				go l.acceptStreams(s)
			}
		case !temporary(err):
			l.stop(err)
			return
		default:
			select {
			case <-time.After(pause):
				pause = min(2*pause, maxPause)
			case <-l.life.Done():
				return
			}
		}
	}
}

func temporary(err error) bool {
	t, ok := err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

// acceptStreams hands the streams of a session to Accept, and resets those that
// nobody will accept.
func (l *Listener) acceptStreams(s *Session) {
	defer context.AfterFunc(l.life, s.shutdown)()
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		select {
		case l.accepted <- conn:
		case <-l.life.Done():
			s.shutdown() // who is reset shall know that no other stream will do better
			conn.(*stream).Reset()
		}
	}
}
