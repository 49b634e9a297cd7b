package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// tcpPair returns both ends of a TCP connection, which nobody waits for for long.
func tcpPair(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	a, b = simtest.TCPPair(t)
	for _, conn := range []net.Conn{a, b} {
		conn.SetDeadline(time.Now().Add(time.Minute))
	}
	return a, b
}

// socks sends what a client of SOCKS5 without authentication sends (RFC 1928
// section 3), and a request, and returns the code of the reply.
func socks(t *testing.T, conn net.Conn, request string) byte {
	t.Helper()
	io.WriteString(conn, "\x05\x01\x00"+request)
	var answer [2 + 10]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		t.Fatal(err)
	}
	if answer[0] != 5 || answer[1] != 0 || answer[2] != 5 {
		t.Errorf("the answer is %x", answer)
	}
	return answer[3]
}

func TestSOCKSJoins(t *testing.T) {
	for request, want := range map[string]string{
		"\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x50":                         "10.0.0.7:80",
		"\x05\x01\x00\x03\x06db.lan\x15\x38":                               "db.lan:5432",
		"\x05\x01\x00\x04\xfd" + string(make([]byte, 14)) + "\x01\x00\x16": "[fd00::1]:22",
	} {
		client, served := tcpPair(t)
		target, stream := tcpPair(t)
		var asked string
		result := make(chan error, 1)
		go func() {
			result <- serveSOCKS(served, func(hostPort string) (net.Conn, error) {
				asked = hostPort
				return stream, nil
			})
		}()
		// The data may come behind the request at once.
		if code := socks(t, client, request+"early "); code != 0 {
			t.Errorf("%s: code %d", want, code)
		}
		io.WriteString(client, "data")
		client.CloseWrite()
		got, err := io.ReadAll(target)
		if err != nil || string(got) != "early data" {
			t.Errorf("%s: the target gets %q, %v", want, got, err)
		}
		io.WriteString(target, "answer")
		target.Close()
		if got, err := io.ReadAll(client); err != nil || string(got) != "answer" {
			t.Errorf("%s: the client gets %q, %v", want, got, err)
		}
		if err := <-result; err != nil || asked != want {
			t.Errorf("%s: it asks for %s, and ends with %v", want, asked, err)
		}
	}
}

func TestSOCKSRefuses(t *testing.T) {
	const connect = "\x05\x01\x00\x03\x01h\x00\x01"
	refused := func(code tunnel.Code) error {
		return fmt.Errorf("wrapped: %w", &tunnel.Error{Reply: tunnel.Reply{Code: code}})
	}
	for name, test := range map[string]struct {
		request string
		err     error
		want    byte
	}{
		"not allowed": {connect, refused(tunnel.Refused), 2},
		"unreachable": {connect, refused(tunnel.Unreachable), 5},
		"unknown":     {connect, refused(tunnel.Unknown), 1},
		"no listener": {connect, errors.New("nobody answered"), 1},
		"bind":        {"\x05\x02\x00\x03\x01h\x00\x01", nil, 7},
		"udp":         {"\x05\x03\x00\x03\x01h\x00\x01", nil, 7},
	} {
		t.Run(name, func(t *testing.T) {
			client, served := tcpPair(t)
			go func() {
				defer served.Close()
				serveSOCKS(served, func(string) (net.Conn, error) {
					if test.err == nil {
						t.Error("a stream is opened")
					}
					return nil, test.err
				})
			}()
			if got := socks(t, client, test.request); got != test.want {
				t.Errorf("the code is %d, want %d", got, test.want)
			}
		})
	}
}
