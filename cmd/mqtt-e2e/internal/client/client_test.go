package client

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// listen returns a Listener as "box" and a Client of it, in virtual time.
func listen(t *testing.T, remotes []target.Remote, protocols ...string) (*mqtte2e.Listener, *Client) {
	t.Helper()
	config := &mqtte2e.Config{Key: mqtte2e.NewKey(), DialContext: simtest.Broker(t).DialContext}
	there := &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
	here := &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
	c := New(here, "box", remotes, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		c.Close()
		here.Close()
		there.Close()
	})
	listener, err := there.Listen(t.Context(), "box", protocols...)
	if err != nil {
		t.Fatal(err)
	}
	return listener, c
}

// acceptSession accepts a Conn as the session that it is.
func acceptSession(t *testing.T, listener net.Listener) *mux.Session {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Error(err)
		return nil
	}
	session, err := mux.Server(conn)
	if err != nil {
		t.Error(err)
	}
	return session
}

// echo returns what comes on a stream.
func echo(stream net.Conn) {
	io.Copy(stream, stream)
	stream.Close()
}

// wantEcho sends text and wants it back.
func wantEcho(t *testing.T, stream net.Conn, text string) {
	t.Helper()
	io.WriteString(stream, text)
	if err := tunnel.CloseWrite(stream); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(stream); err != nil || string(got) != text {
		t.Errorf("read %q, %v, want %q", got, err, text)
	}
	stream.Close()
}

// TestDefaultReachesEveryKind opens streams at listeners of each protocol.
func TestDefaultReachesEveryKind(t *testing.T) {
	for protocol, serve := range map[string]func(*testing.T, *mqtte2e.Listener){
		"": func(t *testing.T, listener *mqtte2e.Listener) {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go echo(conn)
			}
		},
		tunnel.MuxProtocol: func(t *testing.T, listener *mqtte2e.Listener) {
			streams := mux.NewListener(listener)
			for {
				stream, err := streams.Accept()
				if err != nil {
					return
				}
				go echo(stream)
			}
		},
		tunnel.Protocol: func(t *testing.T, listener *mqtte2e.Listener) {
			session := acceptSession(t, listener)
			for {
				stream, err := session.Accept()
				if err != nil {
					return
				}
				if request, err := tunnel.AcceptRequest(stream); err != nil || request != Default {
					t.Errorf("the request is %+v, %v", request, err)
				}
				tunnel.Reply{}.Write(stream)
				go echo(stream)
			}
		},
	} {
		t.Run(protocol, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				listener, c := listen(t, nil, protocol)
				go serve(t, listener)
				for range 3 {
					stream, err := c.Open(t.Context(), Default)
					if err != nil {
						t.Fatal(err)
					}
					wantEcho(t, stream, "hello")
				}
				if protocol != tunnel.Protocol {
					_, err := c.Open(t.Context(), tunnel.Request{Kind: tunnel.Service, Text: "web"})
					if !errors.Is(err, mqtte2e.ErrRefused) {
						t.Errorf("a service of a listener that has none: %v", err)
					}
				}
				if known := c.Conn() != nil; known != (protocol != tunnel.MuxProtocol) {
					t.Errorf("whether there is a Conn: %v", known)
				}
			})
		})
	}
}

// TestSessionThatEndsIsReplaced ends a session just as a stream is asked for.
func TestSessionThatEndsIsReplaced(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		listener, c := listen(t, nil, tunnel.Protocol)
		go func() {
			first := acceptSession(t, listener)
			first.Accept()
			first.Close()
			stream, err := acceptSession(t, listener).Accept()
			if err != nil {
				t.Error(err)
				return
			}
			tunnel.AcceptRequest(stream)
			tunnel.Reply{}.Write(stream)
			echo(stream)
		}()
		stream, err := c.Open(t.Context(), Default)
		if err != nil {
			t.Fatal(err)
		}
		wantEcho(t, stream, "once more")
	})
}

// TestBrokenStreamIsNotRepeated has a listener that resets a stream, in a session
// that goes on.
func TestBrokenStreamIsNotRepeated(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		listener, c := listen(t, nil, tunnel.Protocol)
		streams := make(chan int, 1)
		go func() {
			session, n := acceptSession(t, listener), 0
			defer func() { streams <- n }()
			for {
				stream, err := session.Accept()
				if err != nil {
					return
				}
				n++
				tunnel.Abort(stream)
			}
		}()
		if _, err := c.Open(t.Context(), Default); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the error is %v", err)
		}
		c.Close()
		if n := <-streams; n != 1 {
			t.Errorf("%d streams were opened, want 1", n)
		}
	})
}

// TestListenerThatDoesNotAnswer has a request without a reply.
func TestListenerThatDoesNotAnswer(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		listener, c := listen(t, nil, tunnel.Protocol)
		go acceptSession(t, listener)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		time.AfterFunc(10*time.Second, func() {
			if want := "the listener is reached and has not answered the request yet: its target may be slow"; c.Waits() != want {
				t.Errorf("it says %q", c.Waits())
			}
		})
		if _, err := c.Open(ctx, Default); !errors.Is(err, mqtte2e.ErrNoAnswer) {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestListenerCannotNameTargets asks a dialer for what it did not ask for.
func TestListenerCannotNameTargets(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		remote, err := target.ParseRemote("9000:127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		listener, c := listen(t, []target.Remote{remote}, tunnel.Protocol)
		go c.Open(t.Context(), Default)
		session := acceptSession(t, listener)
		for request, want := range map[tunnel.Request]tunnel.Code{
			{Kind: tunnel.Arrival, Text: "127.0.0.1:9001"}: tunnel.Refused,
			{Kind: tunnel.Arrival, Text: "127.0.0.1:1"}:    tunnel.Refused,
			{Kind: tunnel.Target, Text: "127.0.0.1:1"}:     tunnel.Unknown,
			{Kind: tunnel.Open, Text: "127.0.0.1:9000"}:    tunnel.Unknown,
			{Kind: 99}: tunnel.Unknown,
		} {
			var refused *tunnel.Error
			_, err := tunnel.OpenStream(t.Context(), session, request)
			if !errors.As(err, &refused) || refused.Reply.Code != want {
				t.Errorf("%+v: %v, want code %d", request, err, want)
			}
		}
	})
}

// TestClosedClient opens nothing.
func TestClosedClient(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		_, c := listen(t, nil, "")
		c.Close()
		if _, err := c.Open(t.Context(), Default); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the error is %v", err)
		}
	})
}
