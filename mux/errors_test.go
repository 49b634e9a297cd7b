package mux

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// failingConn fails to read, after what was written is read.
type failingConn struct {
	net.Conn
	err error
}

func (c failingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = c.err
	}
	return n, err
}

func TestErrorOfTheConnIsPassedOn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		cause := errors.New("the peer is gone")
		c, s := simtest.Pipe()
		client, server := newSessions(t, failingConn{c, cause}, s)
		near, far := open(t, client, server)
		server.conn.Close()
		_, readErr := near.Read(make([]byte, 1))
		_, writeErr := near.Write([]byte("x"))
		_, acceptErr := client.Accept()
		for _, err := range []error{readErr, writeErr, acceptErr} {
			if !errors.Is(err, cause) {
				t.Errorf("%v does not answer to the error of the Conn", err)
			}
		}
		near.Close()
		far.Close()
		client.Close()
		server.Close()
	})
}

// brokenConn fails to write, and blocks Read until it is closed.
type brokenConn struct {
	net.Conn
	err error
}

func (c brokenConn) Write([]byte) (int, error) { return 0, c.err }

func TestErrorOfAWriteIsPassedOn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		cause := errors.New("the broker is gone")
		c, other := simtest.Pipe()
		client, err := Client(brokenConn{c, cause})
		if err != nil {
			t.Fatal(err)
		}
		if near, err := client.Open(t.Context()); err == nil {
			near.Close()
		}
		<-client.Done()
		if _, err := client.Accept(); !errors.Is(err, cause) {
			t.Errorf("Accept: %v", err)
		}
		client.Close()
		other.Close()
	})
}

// TestEOFOnlyAfterFIN ends the session after streams that were ended and that
// were not, with data unread.
func TestEOFOnlyAfterFIN(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		ended, endedFar := open(t, client, server)
		cut, cutFar := open(t, client, server)
		mustWrite(t, ended, []byte("all"))
		mustWrite(t, cut, []byte("some"))
		closeWrite(t, ended)
		simtest.Wait()
		client.conn.Close()
		<-server.Done()
		wantRead(t, endedFar, []byte("all"))
		wantEOF(t, endedFar)
		wantRead(t, cutFar, []byte("some"))
		if _, err := cutFar.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a stream that was cut ends with %v", err)
		}
		for _, conn := range []net.Conn{ended, endedFar, cut, cutFar} {
			conn.Close()
		}
	})
}
