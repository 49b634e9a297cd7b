package link

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/wsconn"
)

// webSocketServer runs an HTTP server and returns an address of it.
func webSocketServer(t *testing.T, handler http.HandlerFunc) Address {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return Address{Scheme: "ws", Host: strings.TrimPrefix(server.URL, "http://"), Path: "/mqtt"}
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
		if first, _, err := broker.read(); err == nil && first == typePingReq<<4 {
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
