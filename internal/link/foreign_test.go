package link

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// speaks serves each connection until the test ends, and returns where.
func speaks(t *testing.T, serve func(net.Conn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// says sends text at once and waits for the client to leave.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		io.WriteString(conn, text)
		io.Copy(io.Discard, conn)
	}
}

// answers reads a little, sends text and ends the connection.
func answers(text string) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4<<10))
		io.WriteString(conn, text)
	}
}

// hangsUp reads a little and ends the connection.
func hangsUp(conn net.Conn) { conn.Read(make([]byte, 4<<10)) }

// hangsUpInside upgrades to WebSocket, reads a little and ends the connection.
func hangsUpInside(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err == nil {
		ws.ReadMessage()
		ws.Close()
	}
}

// resets reads a little and resets the connection.
func resets(conn net.Conn) {
	hangsUp(conn)
	conn.(*net.TCPConn).SetLinger(0)
}

// insideTLS serves inside TLS.
func insideTLS(certificates []tls.Certificate, serve func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		secured := tls.Server(conn, &tls.Config{Certificates: certificates})
		if secured.Handshake() == nil {
			serve(secured)
			secured.Close()
		}
	}
}

// TestForeignProtocolIsRecognised meets each scheme with ports that speak something else: the error says what was met, and
// which scheme to write.
func TestForeignProtocolIsRecognised(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	secure := func(serve func(net.Conn)) string { return speaks(t, insideTLS(web.TLS.Certificates, serve)) }
	const badRequest = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
	const alert = "\x15\x03\x01\x00\x02\x02\x46" // protocol_version, as OpenSSL answers what is not TLS
	for _, test := range []struct {
		name, scheme, host string
		spoken             string
		silent             bool
		want               string
	}{
		{"HTTP", "mqtt", speaks(t, answers(badRequest)), SpokenHTTP, false, "HTTP is spoken there: for MQTT over WebSocket write ws://"},
		{"TLS", "mqtt", speaks(t, answers(alert)), SpokenTLS, false, "TLS is spoken there: write mqtts://"},
		{"SSH", "mqtt", speaks(t, says("SSH-2.0-test\r\n")), SpokenSSH, false, "SSH is spoken there: check host and port"},
		{"another", "mqtt", speaks(t, says("220 mail.example ESMTP\r\n")), "", true, "what is spoken there is not MQTT 3.1.1: check host and port"},
		{"hang-up", "mqtt", speaks(t, hangsUp), "", true, "it hung up on the MQTT handshake: check the port: one for TLS (write mqtts://) or WebSocket (write ws://) does that"},
		{"reset", "mqtt", speaks(t, resets), "", true, "it hung up on the MQTT handshake"},
		{"HTTP", "mqtts", speaks(t, answers(badRequest)), SpokenHTTP, false, "HTTP is spoken there: for MQTT over WebSocket without TLS write ws://"},
		{"HTTPS", "mqtts", secure(answers(badRequest)), SpokenHTTPS, false, "HTTPS is spoken there: for MQTT over WebSocket write wss://"},
		{"SSH", "mqtts", speaks(t, says("SSH-2.0-test\r\n")), SpokenSSH, false, "SSH is spoken there"},
		{"hang-up", "mqtts", speaks(t, hangsUp), "", true, "it hung up in the TLS handshake: check the port: one without TLS (write mqtt://) does that"},
		{"reset", "mqtts", speaks(t, resets), "", true, "it hung up in the TLS handshake"},
		{"hang-up inside TLS", "mqtts", secure(hangsUp), SpokenTLS, true, "it hung up on the MQTT handshake: check the port: one for WebSocket (write wss://) does that"},
		{"HTTP", "ws", speaks(t, answers(badRequest)), SpokenHTTP, true, "no WebSocket there (HTTP status 400): check host, port and path, or write wss://"},
		{"hang-up inside WebSocket", "ws", webSocketServer(t, hangsUpInside).Host, "", true, "it hung up on the MQTT handshake: check path, user and password"},
		{"TLS", "ws", speaks(t, answers(alert)), SpokenTLS, false, "TLS is spoken there: write wss://"},
		{"SSH", "ws", speaks(t, says("SSH-2.0-test\r\n")), SpokenSSH, false, "SSH is spoken there"},
		{"hang-up", "ws", speaks(t, hangsUp), "", true, "it hung up on the WebSocket handshake: check the port: one without WebSocket (write mqtt://) or with TLS (write wss://) does that"},
		{"reset", "ws", speaks(t, resets), "", true, "it hung up on the WebSocket handshake"},
		{"HTTP", "wss", speaks(t, answers(badRequest)), SpokenHTTP, false, "HTTP is spoken there: write ws://"},
		{"SSH", "wss", speaks(t, says("SSH-2.0-test\r\n")), SpokenSSH, false, "SSH is spoken there"},
		{"hang-up", "wss", speaks(t, hangsUp), "", true, "it hung up in the TLS handshake: check the port: one without TLS (write ws://, or mqtt:// without WebSocket) does that"},
		{"hang-up inside TLS", "wss", secure(hangsUp), SpokenTLS, true, "it hung up after the TLS handshake: check the port: one without WebSocket (write mqtts://) does that"},
	} {
		t.Run(test.name+" at "+test.scheme, func(t *testing.T) {
			l := newTestLink(t, address.Broker{Scheme: test.scheme, Host: test.host, Path: "/mqtt"}, nil)
			l.config.TLSConfig = &tls.Config{InsecureSkipVerify: true}
			err := l.Connect(context.Background())
			var foreign *ForeignError
			if !errors.As(err, &foreign) {
				t.Fatalf("no ForeignError: %v", err)
			}
			if foreign.Spoken != test.spoken || Permanent(err) == test.silent {
				t.Errorf("spoken %q, permanent %t: %v", foreign.Spoken, Permanent(err), err)
			}
			if !strings.HasPrefix(foreign.Error(), test.want) {
				t.Errorf("it says %q, want %q", foreign, test.want)
			}
		})
	}
}

// TestSilentPortIsReported has a port that waits, as an HTTP server does for the end of a line.
func TestSilentPortIsReported(t *testing.T) {
	err := foreignSession("mqtt", nil, errNoAnswer)
	var foreign *ForeignError
	if !errors.As(err, &foreign) || foreign.Permanent || !strings.Contains(err.Error(), "write mqtts://") {
		t.Errorf("it says %v", err)
	}
	other := errors.New("something else")
	if err := foreignSession("mqtt", nil, other); err != other {
		t.Errorf("%v became %v", other, err)
	}
}

// TestSilentPortIsReportedInTime has a caller that does not wait as long as an answer may take.
func TestSilentPortIsReportedInTime(t *testing.T) {
	scripted(t, func(t *testing.T, l *testLink, broker *script) {
		go broker.read()
		ctx, cancel := context.WithTimeout(t.Context(), answerTimeout/2)
		defer cancel()
		err := l.Connect(ctx)
		var foreign *ForeignError
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &foreign) || foreign.Permanent || !strings.HasPrefix(foreign.Error(), "it was reached, but says nothing in MQTT") {
			t.Errorf("it says %v", err)
		}
	})
}
