package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/wsconn"
)

// trickling is how libwebsockets, and hardly anything else, spells the protocol that it switches to: most say websocket.
// Mosquitto with it hands a message over in pieces of 4 KiB and waits for its next round, 100 ms with nothing else to
// do, before each but the first: 40 kB/s for one of 32 KiB, full speed for messages of one piece. Measured with 2.0.11.
const trickling = "WebSocket"

// openWebSocket connects with MQTT over WebSocket, for wss over TLS, through the HTTP proxy of the environment unless direct.
func (c *Config) openWebSocket(ctx context.Context, attempt *dialAttempt, direct bool, onPing func()) (net.Conn, error) {
	dialer := &websocket.Dialer{
		NetDialContext:  attempt.DialContext,
		TLSClientConfig: c.tlsConfig(),
		ReadBufferSize:  wsconn.BufferSize,
		WriteBufferSize: wsconn.BufferSize,
		Subprotocols:    []string{wsconn.Subprotocol},
	}
	if !direct {
		dialer.Proxy = environmentProxy
	}
	ws, response, err := dialer.DialContext(ctx, c.Address.Scheme+"://"+c.Address.Host+c.Address.Path, nil)
	if err != nil {
		if attempt.socket != nil {
			err = c.webSocketError(response, err)
		}
		return nil, err
	}
	attempt.trickles = response.Header.Get("Upgrade") == trickling
	return wsconn.New(ws, onPing), nil
}

// environmentProxy is http.ProxyFromEnvironment with an error that does not quote the variable, password and all.
func environmentProxy(request *http.Request) (*url.URL, error) {
	address, err := http.ProxyFromEnvironment(request)
	if err != nil {
		return nil, errors.New("the proxy in HTTP_PROXY or HTTPS_PROXY is not a URL")
	}
	return address, nil
}

// webSocketError explains why what was reached did not become a WebSocket connection.
func (c *Config) webSocketError(response *http.Response, err error) error {
	switch {
	case response == nil:
		return fmt.Errorf("WebSocket handshake: %w", err)
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return &RefusedError{RefusedWebSocket, fmt.Sprintf("the WebSocket connection (HTTP status %d): check path and permissions", response.StatusCode), true}
	}
	return foreignStatus(c.Address.Scheme, response.StatusCode, err)
}
