package mux

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// A Listener makes a Session of each connection that another net.Listener
// accepts, and accepts the streams of all of them.
type Listener struct {
	inner    net.Listener
	accepted chan net.Conn // unbuffered: streams wait in their sessions

	stop    sync.Once
	stopped chan struct{} // closed when Accept is to fail; err is set before
	err     error

	mu       sync.Mutex // guards sessions
	sessions map[*Session]struct{}
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
func NewListener(inner net.Listener) *Listener {
	l := &Listener{
		inner:    inner,
		accepted: make(chan net.Conn),
		stopped:  make(chan struct{}),
		sessions: make(map[*Session]struct{}),
	}
	go l.acceptSessions()
	return l
}

// Accept returns the next stream of any session. It fails after Close, with
// net.ErrClosed, and when the inner Listener has failed for good; the end of a
// session does not make it fail.
func (l *Listener) Accept() (net.Conn, error) {
	if closed(l.stopped) {
		return nil, l.err
	}
	select {
	case st := <-l.accepted:
		return st, nil
	case <-l.stopped:
		return nil, l.err
	}
}

// Addr returns the address of the inner Listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Close closes the inner Listener and takes no more streams. Those that Accept
// has returned are not disturbed; a session ends with the last of its streams.
func (l *Listener) Close() error { return l.stopWith(net.ErrClosed) }

// stopWith makes Accept fail with cause.
func (l *Listener) stopWith(cause error) (err error) {
	l.stop.Do(func() {
		l.err = cause
		close(l.stopped)
		err = l.inner.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		for s := range l.sessions {
			s.shutdown()
		}
	})
	return err
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
			l.serve(conn)
		case !temporary(err):
			l.stopWith(err)
			return
		default:
			select {
			case <-time.After(pause):
				pause = min(2*pause, maxPause)
			case <-l.stopped:
				return
			}
		}
	}
}

func temporary(err error) bool {
	t, ok := err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

func (l *Listener) serve(conn net.Conn) {
	s, _ := Server(conn) // which fails for nil only
	l.mu.Lock()
	l.sessions[s] = struct{}{}
	l.mu.Unlock()
	if closed(l.stopped) {
		s.shutdown()
	}
	go l.acceptStreams(s)
}

func (l *Listener) acceptStreams(s *Session) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.sessions, s)
	}()
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		select {
		case l.accepted <- conn:
		case <-l.stopped:
			conn.(*stream).Reset()
		}
	}
}
