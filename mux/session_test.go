package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/yamux"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestSessionEndsWithItsConn(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		mustWrite(t, far, []byte("before"))
		simtest.Wait()
		if closed(client.Done()) || closed(server.Done()) {
			t.Fatal("the session ended early")
		}
		server.conn.Close()
		<-client.Done()
		<-server.Done()
		wantRead(t, near, []byte("before"))
		_, readErr := near.Read(make([]byte, 1))
		_, writeErr := near.Write([]byte("x"))
		_, openErr := client.Open(t.Context())
		_, acceptErr := client.Accept()
		for _, err := range []error{readErr, writeErr, openErr, acceptErr} {
			if !errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
				t.Errorf("after the peer's end: %v", err)
			}
		}
		var op *net.OpError
		if !errors.As(readErr, &op) || op.Op != "read" {
			t.Errorf("Read's error is a %T, which net/http does not take for the end of a connection", readErr)
		}
		near.Close()
		far.Close()
	})
}

func TestSessionClose(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		reads := make(chan error)
		go func() {
			_, err := near.Read(make([]byte, 1))
			reads <- err
		}()
		accepts := make(chan error)
		go func() {
			_, err := client.Accept()
			accepts <- err
		}()
		simtest.Wait()
		if err := client.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := client.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		_, writeErr := near.Write([]byte("x"))
		_, openErr := client.Open(t.Context())
		for _, err := range []error{<-reads, <-accepts, writeErr, openErr} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer reads %v from a stream that was not closed", err)
		}
		<-server.Done()
		near.Close()
		far.Close()
	})
}

// TestCloseAfterWrite closes stream and session right after Write.
func TestCloseAfterWrite(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		mustWrite(t, near, noise(initialWindow/2))
		near.Close()
		client.Close()
		wantRead(t, far, noise(initialWindow/2))
		wantEOF(t, far)
		far.Close()
	})
}

func TestSessionCloseWaitsABound(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, other := simtest.Pipe()
		client, err := Client(c)
		if err != nil {
			t.Fatal(err)
		}
		near, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go near.Write(noise(4 * initialWindow))
		simtest.Wait()
		start := time.Now()
		client.Close()
		if took := time.Since(start); took != sessionFlush {
			t.Errorf("Close took %v, want %v", took, sessionFlush)
		}
		near.Close()
		other.Close()
	})
}

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

func TestStreamsAreBounded(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		var near, far []net.Conn
		for range maxStreams {
			n, f := open(t, client, server)
			near, far = append(near, n), append(far, f)
		}
		extra, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, extra, []byte("extra"))
		accepted := make(chan net.Conn)
		go func() {
			conn, _ := server.Accept()
			accepted <- conn
		}()
		simtest.Wait()
		select {
		case <-accepted:
			t.Fatal("a stream too many is accepted")
		default:
		}
		near[0].Close()
		far[0].Close()
		conn := <-accepted
		wantRead(t, conn, []byte("extra"))
		near, far = append(near, extra), append(far, conn)
		for i := range near {
			near[i].Close()
			far[i].Close()
		}
		wantGone(t, client, server)
	})
}

// TestOpenWaitsForASlowPeer opens streams towards a yamux that accepts none.
func TestOpenWaitsForASlowPeer(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, s := simtest.Pipe()
		client, err := Client(c)
		if err != nil {
			t.Fatal(err)
		}
		server, err := yamux.Server(s, yamuxConfig())
		if err != nil {
			t.Fatal(err)
		}
		var streams []net.Conn
		for range backlog {
			near, err := client.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			streams = append(streams, near)
		}
		for range 2 { // the second time without yamux being asked
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
			if _, err := client.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Open of one too many: %v", err)
			}
			cancel()
		}
		if closed(client.Done()) {
			t.Error("a slow peer ended the session")
		}
		if _, err := server.AcceptStream(); err != nil {
			t.Error(err)
		}
		near, err := client.Open(t.Context())
		if err != nil {
			t.Errorf("Open after the peer accepted one: %v", err)
		} else {
			streams = append(streams, near)
		}
		server.Close()
		for _, near := range streams {
			near.Close()
		}
		client.Close()
	})
}

func TestOpenWithEndedContext(t *testing.T) {
	client, _ := tcpSessions(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		if _, err := client.Open(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Open: %v", err)
		}
	}
}

func TestTwoClients(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, s := simtest.Pipe()
		client, err := Client(c)
		if err != nil {
			t.Fatal(err)
		}
		other, err := Client(s)
		if err != nil {
			t.Fatal(err)
		}
		near, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Accept(); err == nil || !strings.Contains(err.Error(), "Client") {
			t.Errorf("Accept: %v", err)
		}
		near.Close()
		client.Close()
		other.Close()
	})
}

func TestNilConn(t *testing.T) {
	if _, err := Client(nil); err == nil {
		t.Error("Client takes nil")
	}
	if _, err := Server(nil); err == nil {
		t.Error("Server takes nil")
	}
}

// TestPlainYamux exchanges streams with yamux in its default configuration, as
// client and as server.
func TestPlainYamux(t *testing.T) {
	config := yamux.DefaultConfig()
	config.LogOutput = io.Discard
	t.Run("server", func(t *testing.T) {
		c, s := tcpPair(t)
		plain, err := yamux.Client(c, config)
		if err != nil {
			t.Fatal(err)
		}
		server, err := Server(s)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		defer plain.Close()
		near, err := plain.Open()
		if err != nil {
			t.Fatal(err)
		}
		far, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		echoThrough(t, far, near)
	})
	t.Run("client", func(t *testing.T) {
		c, s := tcpPair(t)
		client, err := Client(c)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := yamux.Server(s, config)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		defer plain.Close()
		near, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		far, err := plain.Accept()
		if err != nil {
			t.Fatal(err)
		}
		echoThrough(t, near, far)
	})
}

// echoThrough sends from one stream to the other, which is yamux's own, and
// back; yamux's Close is a CloseWrite.
func echoThrough(t *testing.T, ours, plain net.Conn) {
	t.Helper()
	const size = 3 << 20
	go func() {
		io.Copy(plain, plain)
		plain.Close()
	}()
	go func() {
		ours.Write(noise(size))
		ours.(closeWriter).CloseWrite()
	}()
	wantRead(t, ours, noise(size))
	wantEOF(t, ours)
	ours.Close()
}
