package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
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

// TestReaderGetsAllBeforeTheEnd has Reads wait when the last of a stream comes
// together with the end of the session.
func TestReaderGetsAllBeforeTheEnd(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		for range 100 {
			c, s := simtest.Pipe()
			client, server := newSessions(t, c, s)
			var reading, writing sync.WaitGroup
			for range 10 {
				near, far := open(t, client, server)
				reading.Go(func() {
					if got, err := io.ReadAll(far); string(got) != "hello" || err != nil {
						t.Errorf("read %q, %v", got, err)
					}
					far.Close()
				})
				writing.Go(func() {
					io.WriteString(near, "hello")
					near.Close()
				})
			}
			writing.Wait()
			client.Close()
			reading.Wait()
			server.Close()
		}
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
		if near, err := client.Open(t.Context()); err == nil { // the other end may be faster
			defer near.Close()
		}
		if _, err := other.Accept(); err == nil || !strings.Contains(err.Error(), "Client") {
			t.Errorf("Accept: %v", err)
		}
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

// TestSessionEndsWhileAStreamIsOpened comes between yamux's part of Open and ours.
func TestSessionEndsWhileAStreamIsOpened(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		client.frames.unanswered <- struct{}{} // as Open does, for the answer to take
		inner, err := client.inner.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		simtest.Wait()
		server.Close()
		<-client.Done()
		if st := client.adopt(inner); st != nil {
			t.Error("a stream of a session that has ended")
		}
	})
}
