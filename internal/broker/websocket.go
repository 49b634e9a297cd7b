package broker

import (
	"net"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/wsconn"
)

// ListenWebSocket is Listen for MQTT over WebSocket, at every path. A listener of package tls makes it wss.
func (b *Broker) ListenWebSocket(listener net.Listener) error {
	upgrader := &websocket.Upgrader{
		Subprotocols:    []string{wsconn.Subprotocol},
		ReadBufferSize:  wsconn.BufferSize,
		WriteBufferSize: wsconn.BufferSize,
		// Any web page may connect: what protects a broker is its password, since native clients send no Origin at all.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	server := &http.Server{
		ReadHeaderTimeout: connectTimeout,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ws, err := upgrader.Upgrade(w, r, nil); err == nil {
				b.serve(wsconn.New(ws, func() {}))
			}
		}),
	}
	err := b.start(server, func() { server.Serve(listener) })
	if err != nil {
		listener.Close()
	}
	return err
}
