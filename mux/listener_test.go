package mux

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// pipeListener is a net.Listener whose connections and errors a test supplies.
type pipeListener struct {
	next   chan any // net.Conn or error
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan any), make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case next := <-l.next:
		if err, ok := next.(error); ok {
			return nil, err
		}
		return next.(net.Conn), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	if !closed(l.closed) {
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return address.OfListener("pipe") }

// dial gives the listener a connection and returns a session over it.
func (l *pipeListener) dial(t *testing.T) *Session {
	t.Helper()
	c, s := simtest.Pipe()
	l.next <- s
	client, err := Client(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func mustOpen(t *testing.T, client *Session) net.Conn {
	t.Helper()
	conn, err := client.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func mustAccept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestListenerAcceptsFromAllSessions(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		inner := newPipeListener()
		l := NewListener(inner)
		if l.Addr().String() != "pipe:0" {
			t.Errorf("Addr() = %v", l.Addr())
		}
		one, two := inner.dial(t), inner.dial(t)
		for range 3 {
			for _, client := range []*Session{one, two} {
				near := mustOpen(t, client)
				far := mustAccept(t, l)
				mustWrite(t, near, []byte("x"))
				wantRead(t, far, []byte("x"))
				near.Close()
				far.Close()
			}
		}
		one.Close()
		near := mustOpen(t, two)
		mustAccept(t, l).Close()
		near.Close()
		two.Close()
		l.Close()
	})
}

func TestListenerCloseLetsStreamsFinish(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		inner := newPipeListener()
		l := NewListener(inner)
		busy, idle := inner.dial(t), inner.dial(t)
		near := mustOpen(t, busy)
		far := mustAccept(t, l)
		waiting := mustOpen(t, busy)
		simtest.Wait()
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
		<-idle.Done()
		if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a stream that was not accepted reads %v", err)
		}
		waiting.Close()
		if _, err := busy.Open(t.Context()); !errors.Is(err, errNotAccepting) {
			t.Errorf("Open after the listener closed: %v", err)
		}
		time.Sleep(time.Hour)
		mustWrite(t, far, noise(1000))
		far.Close()
		wantRead(t, near, noise(1000))
		wantEOF(t, near)
		if closed(busy.Done()) {
			t.Error("the session ended before its stream")
		}
		near.Close()
		<-busy.Done()
		idle.Close()
		busy.Close()
	})
}

type temporaryError struct{ error }

func (temporaryError) Temporary() bool { return true }

func TestListenerOutlivesTemporaryErrors(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		inner := newPipeListener()
		l := NewListener(inner)
		start := time.Now()
		for range 12 {
			inner.next <- temporaryError{errors.New("too many open files")}
		}
		client := inner.dial(t)
		// 5 ms doubled eight times stays below a second, then it is one each.
		if took, want := time.Since(start), (5*255+4*1000)*time.Millisecond; took != want {
			t.Errorf("12 temporary errors took %v, want %v", took, want)
		}
		near := mustOpen(t, client)
		mustAccept(t, l).Close()
		near.Close()
		inner.next <- temporaryError{errors.New("too many open files")}
		l.Close()
		client.Close()
	})
}

func TestListenerFailsWithItsInnerListener(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		inner := newPipeListener()
		l := NewListener(inner)
		client := inner.dial(t)
		cause := errors.New("the interface is gone")
		inner.next <- cause
		for range 2 {
			if _, err := l.Accept(); !errors.Is(err, cause) {
				t.Errorf("Accept: %v", err)
			}
		}
		<-client.Done()
		l.Close()
		client.Close()
	})
}
