package link

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// schemeInProxyTest tells the test binary, run again with other proxy variables, which scheme to use: the environment is read
// once in the life of a process.
const schemeInProxyTest = "LINK_TEST_PROXY_SCHEME"

func TestProxiesOfTheEnvironment(t *testing.T) {
	if scheme := os.Getenv(schemeInProxyTest); scheme != "" {
		// Only the proxy knows this host.
		l := newTestLink(t, address.Broker{Scheme: scheme, Host: "broker.test:1", Path: "/mqtt"}, nil)
		l.mustConnect(t)
		return
	}
	plain := startBroker(t, broker.Config{}, (*broker.Broker).Listen)
	webSocket := startBroker(t, broker.Config{}, (*broker.Broker).ListenWebSocket)
	var passed atomic.Int32
	for scheme, variable := range map[string]string{
		"mqtt": "ALL_PROXY=socks5://user:secret@" + socksProxy(t, plain, &passed),
		"ws":   "HTTP_PROXY=" + strings.Replace(httpProxy(t, webSocket, &passed), "://", "://user:secret@", 1),
	} {
		passed.Store(0)
		again := exec.Command(os.Args[0], "-test.run=^TestProxiesOfTheEnvironment$")
		again.Env = append(os.Environ(), schemeInProxyTest+"="+scheme, variable)
		if output, err := again.CombinedOutput(); err != nil || passed.Load() != 1 {
			t.Errorf("%s: %v, %d connections through the proxy\n%s", scheme, err, passed.Load(), output)
		}
	}
}

func TestBadProxyVariableIsNotQuoted(t *testing.T) {
	if os.Getenv(schemeInProxyTest) != "" {
		l := newTestLink(t, address.Broker{Scheme: "ws", Host: "broker.test:1", Path: "/mqtt"}, nil)
		if err := l.Connect(context.Background()); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Connect: %v", err)
		}
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^TestBadProxyVariableIsNotQuoted$")
	again.Env = append(os.Environ(), schemeInProxyTest+"=ws", "HTTP_PROXY=http://user:secret@host:port")
	if output, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// socksProxy runs a SOCKS5 proxy (RFC 1928) that asks for a password (RFC 1929) and takes everybody to target.
func socksProxy(t *testing.T, target string, passed *atomic.Int32) (hostPort string) {
	t.Helper()
	return speaks(t, func(conn net.Conn) { socksServe(conn, target, passed) })
}

func socksServe(conn net.Conn, target string, passed *atomic.Int32) {
	in := bufio.NewReader(conn)
	field := func() string {
		size, _ := in.ReadByte()
		b := make([]byte, size)
		io.ReadFull(in, b)
		return string(b)
	}
	in.Discard(1) // version
	field()       // methods
	conn.Write([]byte{5, 2})
	in.Discard(1) // version
	user, password := field(), field()
	conn.Write([]byte{1, 0})
	in.Discard(4) // version, CONNECT, reserved, type
	host := field()
	port := make([]byte, 2)
	io.ReadFull(in, port)
	if user == "user" && password == "secret" && host == "broker.test" && binary.BigEndian.Uint16(port) == 1 {
		conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		passed.Add(1)
		splice(conn, in, target)
	}
}

// httpProxy runs an HTTP proxy that takes every CONNECT to target.
func httpProxy(t *testing.T, target string, passed *atomic.Int32) (url string) {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "broker.test:1" || r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		conn, in, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		passed.Add(1)
		splice(conn, in, target)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// splice joins a connection with one to target until either ends.
func splice(conn net.Conn, in io.Reader, target string) {
	onward, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	go func() {
		io.Copy(conn, onward)
		conn.Close()
	}()
	io.Copy(onward, in)
	onward.Close()
}
