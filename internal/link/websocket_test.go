package link

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/wsconn"
)

// webSocketServer runs an HTTP server and returns an address of it.
func webSocketServer(t *testing.T, handler http.HandlerFunc) address.Broker {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return address.Broker{Scheme: "ws", Host: strings.TrimPrefix(server.URL, "http://"), Path: "/mqtt"}
}

// TestWebSocketPingIsAnsweredAtOnce has the writer woken for a pong, which goes before a PINGREQ.
func TestWebSocketPingIsAnsweredAtOnce(t *testing.T) {
	answered := make(chan string, 1)
	pong := ""
	l := newTestLink(t, webSocketServer(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := (&websocket.Upgrader{Subprotocols: []string{wsconn.Subprotocol}}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		ws.SetPongHandler(func(data string) error { pong = data; return nil })
		broker := newScript(wsconn.New(ws, func() {}))
		broker.acceptConnect()
		ws.WriteMessage(websocket.PingMessage, []byte("still there?"))
		if first, _, err := broker.read(); err == nil && first == packets.Pingreq<<4 {
			answered <- pong
		}
		close(answered)
		broker.readAll()
	}), nil)
	l.mustConnect(t)
	if got := <-answered; got != "still there?" {
		t.Errorf("the pong says %q", got)
	}
}

// TestWebSocketToAnAddressWithAZone dials it, and no error quotes the query.
func TestWebSocketToAnAddressWithAZone(t *testing.T) {
	parsed, err := address.Parse("ws://[fe80::1%25eth0]/mqtt?token=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	dialed := ""
	err = newTestLink(t, parsed.Brokers[0], func(_ context.Context, _, address string) (net.Conn, error) {
		dialed = address
		return nil, net.UnknownNetworkError("none in the test")
	}).Connect(t.Context())
	if dialed != "[fe80::1%eth0]:80" || err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("dialed %q: %v", dialed, err)
	}
}

// respelled is a listener whose connections answer as libwebsockets does.
type respelled struct{ net.Listener }

type respelledConn struct{ net.Conn }

func (l respelled) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return respelledConn{conn}, err
}

func (c respelledConn) Write(p []byte) (int, error) {
	return c.Conn.Write(bytes.Replace(p, []byte("Upgrade: websocket\r\n"), []byte("Upgrade: "+libwebsockets+"\r\n"), 1))
}

// TestPayloadLimit has a WebSocket server that is known to pause inside large messages, and one that is not.
func TestPayloadLimit(t *testing.T) {
	for _, smallOnly := range []bool{false, true} {
		b, err := broker.New(broker.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		host, want := listener.Addr().String(), testMaxPayload
		if smallOnly {
			listener, want = respelled{listener}, smallPacket-maxHeader-2-len("topic")
		}
		if err := b.ListenWebSocket(listener); err != nil {
			t.Fatal(err)
		}
		l := newTestLink(t, address.Broker{Scheme: "ws", Host: host, Path: "/mqtt"}, nil)
		if got := l.PayloadLimit("topic"); got != testMaxPayload {
			t.Errorf("%d bytes before anything is known of the broker, want %d", got, testMaxPayload)
		}
		l.mustConnect(t)
		if got := l.PayloadLimit("topic"); got != want {
			t.Errorf("%d bytes, want %d", got, want)
		}
	}
}

// TestPreambleIsBounded has a server that never ends the header of its response.
func TestPreambleIsBounded(t *testing.T) {
	host := speaks(t, func(conn net.Conn) {
		conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n"))
		line := []byte("X-Filler: " + strings.Repeat("x", 8000) + "\r\n")
		for {
			if _, err := conn.Write(line); err != nil {
				return
			}
		}
	})
	if err := newTestLink(t, address.Broker{Scheme: "ws", Host: host, Path: "/mqtt"}, nil).Connect(context.Background()); !errors.Is(err, errPreamble) {
		t.Errorf("Connect: %v, want %v", err, errPreamble)
	}
}

func TestHTTPStatusIsTold(t *testing.T) {
	for status, permanent := range map[int]bool{http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusNotFound: false} {
		address := webSocketServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		err := newTestLink(t, address, nil).Connect(context.Background())
		var refused *RefusedError
		if err == nil || Permanent(err) != permanent || errors.As(err, &refused) != permanent {
			t.Errorf("status %d: %v", status, err)
		}
	}
}
