package link

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/wsconn"
)

// libwebsockets is how that library, and hardly anything else, spells the protocol that it switches to: most say websocket.
// Mosquitto with it hands a message over in pieces of 4 KiB and waits for its next round, 100 ms with nothing else to
// do, before each but the first: 40 kB/s for one of 32 KiB, full speed for messages of one piece. Measured with 2.0.11.
const libwebsockets = "WebSocket"

// openWebSocket begins MQTT over WebSocket on conn, for wss over TLS.
func (a *dialAttempt) openWebSocket(conn net.Conn) (net.Conn, error) {
	c := a.config
	dialer := &websocket.Dialer{
		NetDial:         func(string, string) (net.Conn, error) { return conn, nil },
		TLSClientConfig: a.tlsConfig(),
		ReadBufferSize:  wsconn.BufferSize,
		WriteBufferSize: wsconn.BufferSize,
		Subprotocols:    []string{wsconn.Subprotocol},
	}
	host := strings.Replace(c.Broker.Host, "%", "%25", 1) // before the zone of an IPv6 address (RFC 6874)
	ws, response, err := dialer.DialContext(a.ctx, c.Broker.Scheme+"://"+host+c.Broker.Path, nil)
	if err != nil {
		return nil, webSocketError(c.Broker.Scheme, response, err)
	}
	a.smallOnly = response.Header.Get("Upgrade") == libwebsockets
	return wsconn.New(ws, func() {
		a.pongDue.Store(true)
		a.wake()
	}), nil
}

// webSocketError explains why what was reached did not become a WebSocket connection.
func webSocketError(scheme string, response *http.Response, err error) error {
	switch {
	case response == nil:
		return fmt.Errorf("WebSocket handshake: %w", err)
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return &RefusedError{Reason: fmt.Sprintf("the WebSocket connection (HTTP status %d): check path and permissions", response.StatusCode), Permanent: true}
	}
	return foreignStatus(scheme, response.StatusCode, err)
}
