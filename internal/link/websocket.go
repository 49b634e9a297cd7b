package link

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/wsconn"
)

// libwebsockets is how that library, and hardly anything else, spells the protocol that it switches to: most say websocket.
// Mosquitto with it hands a message over in pieces of 4 KiB and waits for its next round, 100 ms with nothing else to
// do, before each but the first: 40 kB/s for one of 32 KiB, full speed for messages of one piece. Measured with 2.0.11.
const libwebsockets = "WebSocket"

// openWebSocket connects with MQTT over WebSocket, for wss over TLS, through the HTTP proxy of the environment unless the
// caller dials.
func (a *dialAttempt) openWebSocket() (net.Conn, error) {
	c := a.config
	dialer := &websocket.Dialer{
		NetDial:         a.Dial,
		TLSClientConfig: c.tlsConfig(),
		ReadBufferSize:  wsconn.BufferSize,
		WriteBufferSize: wsconn.BufferSize,
		Subprotocols:    []string{wsconn.Subprotocol},
	}
	if c.DialContext == nil {
		dialer.Proxy = environmentProxy
	}
	host := strings.Replace(c.Broker.Host, "%", "%25", 1) // before the zone of an IPv6 address (RFC 6874)
	ws, response, err := dialer.DialContext(a.ctx, c.Broker.Scheme+"://"+host+c.Broker.Path, nil)
	if err != nil {
		if a.socket != nil {
			err = webSocketError(c.Broker.Scheme, response, err)
		}
		return nil, err
	}
	a.smallOnly = response.Header.Get("Upgrade") == libwebsockets
	return wsconn.New(ws, func() {
		a.pongDue.Store(true)
		a.wake()
	}), nil
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
func webSocketError(scheme string, response *http.Response, err error) error {
	switch {
	case response == nil:
		return fmt.Errorf("WebSocket handshake: %w", err)
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return &RefusedError{Reason: fmt.Sprintf("the WebSocket connection (HTTP status %d): check path and permissions", response.StatusCode), Permanent: true}
	}
	return foreignStatus(scheme, response.StatusCode, err)
}
