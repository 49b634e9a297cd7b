package link

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/things-go/go-socks5"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// proxiedHost is a broker's host that only proxies of the tests reach. The certificate of package httptest is for it.
const proxiedHost = "example.com:8883"

// setProxies sets the variables of the environment that name proxies, and no others.
func setProxies(t *testing.T, variables ...string) {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"} {
		t.Setenv(name, "")
		t.Setenv(strings.ToLower(name), "")
	}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

// reached is where the proxies of a test lead, and how often they were used.
type reached struct {
	target string
	times  atomic.Int32
}

func (r *reached) dial(context.Context, string, string) (net.Conn, error) {
	r.times.Add(1)
	return net.Dial("tcp", r.target)
}

// httpProxy is an HTTP proxy that takes every CONNECT for proxiedHost to one target. login is what it asks for; empty: nothing.
func httpProxy(r *reached, login string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		got := &http.Request{Header: http.Header{"Authorization": request.Header["Proxy-Authorization"]}}
		user, password, _ := got.BasicAuth()
		switch {
		case login != "" && user+":"+password != login:
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		case request.Method != http.MethodConnect || request.RequestURI != proxiedHost:
			w.WriteHeader(http.StatusForbidden)
			return
		}
		onward, err := r.dial(request.Context(), "", "")
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer onward.Close()
		conn, in, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(conn, onward)
			conn.Close()
		}()
		io.Copy(onward, in)
	})
}

// everywhere resolves every name.
type everywhere struct{}

func (everywhere) Resolve(ctx context.Context, _ string) (context.Context, net.IP, error) {
	return ctx, net.IPv4(127, 0, 0, 1), nil
}

// socksProxy runs a SOCKS5 proxy that takes everybody with that login to one target.
func socksProxy(t *testing.T, r *reached, user, password string) (hostPort string) {
	options := []socks5.Option{socks5.WithDial(r.dial), socks5.WithResolver(everywhere{})}
	if user != "" {
		options = append(options, socks5.WithCredential(socks5.StaticCredentials{user: password}))
	}
	server := socks5.NewServer(options...)
	return speaks(t, func(conn net.Conn) { server.ServeConn(conn) })
}

// startProxied starts a broker, where r leads then, and returns its address and, for TLS, a configuration that trusts it.
func startProxied(t *testing.T, scheme string, r *reached) (_ address.Broker, config *tls.Config) {
	t.Helper()
	listen := (*broker.Broker).Listen
	if scheme == "ws" || scheme == "wss" {
		listen = (*broker.Broker).ListenWebSocket
	}
	if scheme == "mqtts" || scheme == "wss" {
		listen, config = overTLS(t, listen)
	}
	r.target = startBroker(t, broker.Config{}, listen)
	return address.Broker{Scheme: scheme, Host: proxiedHost, Path: "/mqtt"}, config
}

// checkProxied connects by each scheme and fails the test unless each passes the proxy once.
func checkProxied(t *testing.T, r *reached) {
	for _, scheme := range []string{"mqtt", "mqtts", "ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			address, config := startProxied(t, scheme, r)
			r.times.Store(0)
			l := newTestLink(t, address, nil)
			l.config.TLSConfig = config
			l.mustConnect(t)
			if n := r.times.Load(); n != 1 {
				t.Errorf("%d connections through the proxy", n)
			}
			l.Close()
		})
	}
}

// both returns HTTP_PROXY and HTTPS_PROXY with the same value.
func both(value string) []string { return []string{"HTTP_PROXY=" + value, "HTTPS_PROXY=" + value} }

func TestProxiesOfTheEnvironment(t *testing.T) {
	r := new(reached)
	open := httptest.NewServer(httpProxy(r, ""))
	defer open.Close()
	private := httptest.NewServer(httpProxy(r, "user:se/cret"))
	defer private.Close()
	host := func(server *httptest.Server) string { return server.Listener.Addr().String() }
	for name, variables := range map[string][]string{
		"CONNECT":                  both("http://" + host(open)),
		"CONNECT, without scheme":  both(host(open)),
		"CONNECT with credentials": both("http://user:se%2Fcret@" + host(private)),
		"CONNECT for all":          {"all_proxy=http://" + host(open)},
		"SOCKS5":                   both("socks5://" + socksProxy(t, r, "", "")),
		"SOCKS5 with credentials":  {"ALL_PROXY=socks5h://user:se%2Fcret@" + socksProxy(t, r, "user", "se/cret")},
		"the scheme's own first":   append(both("http://"+host(open)), "ALL_PROXY=http://127.0.0.1:1"),
	} {
		t.Run(name, func(t *testing.T) {
			setProxies(t, variables...)
			checkProxied(t, r)
		})
	}
}

// inProxyTest tells the test binary that it was run again by TestProxyOverTLS.
const inProxyTest = "LINK_TEST_PROXY_OVER_TLS"

// TestProxyOverTLS runs itself again, with a certificate of package httptest as the only one that the system trusts.
func TestProxyOverTLS(t *testing.T) {
	r := new(reached)
	server := httptest.NewTLSServer(httpProxy(r, "user:secret"))
	defer server.Close()
	setProxies(t, both(strings.Replace(server.URL, "://", "://user:secret@", 1))...)
	if os.Getenv(inProxyTest) != "" {
		checkProxied(t, r)
		return
	}
	err := newTestLink(t, address.Broker{Scheme: "mqtt", Host: proxiedHost}, nil).Connect(t.Context())
	var proxy *ProxyError
	if !errors.As(err, &proxy) || Permanent(err) || r.times.Load() != 0 {
		t.Errorf("with a certificate that nobody trusts: %v", err)
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return // SSL_CERT_FILE means nothing there
	}
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	again := exec.Command(os.Args[0], "-test.run=^TestProxyOverTLS$")
	again.Env = append(os.Environ(), inProxyTest+"=1", "SSL_CERT_FILE="+file)
	if output, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// TestNoProxy has brokers that no proxy is asked for, of all schemes.
func TestNoProxy(t *testing.T) {
	for _, test := range []struct {
		host, noProxy string
		proxied       bool
	}{
		{"broker.example:1883", "", true},
		{"broker.example:1883", "other.example, .broker.example", true},
		{"broker.example:1883", "broker.example:1884", true},
		{"broker.example:1883", "other.example, broker.example", false},
		{"broker.example:1883", "broker.example:1883", false},
		{"sub.broker.example:1883", ".broker.example", false},
		{"broker.example:1883", "*", false},
		{"192.0.2.7:1883", "192.0.2.0/24", false},
		{"[2001:db8::1]:1883", "2001:db8::/32", false},
		{"localhost:1883", "", false},
		{"127.0.0.1:1883", "", false},
		{"[::1]:1883", "", false},
	} {
		for _, scheme := range []string{"mqtt", "mqtts", "ws", "wss"} {
			setProxies(t, "ALL_PROXY=http://proxy.example", "NO_PROXY="+test.noProxy)
			proxy, err := environmentProxy(&address.Broker{Scheme: scheme, Host: test.host})
			if err != nil || (proxy != nil) != test.proxied {
				t.Errorf("%s://%s with NO_PROXY=%q: %v, %v; want a proxy: %v", scheme, test.host, test.noProxy, proxy != nil, err, test.proxied)
			}
		}
	}
}

// TestDialContextMeansNoProxy has a caller who dials by himself.
func TestDialContextMeansNoProxy(t *testing.T) {
	setProxies(t, append(both("http://127.0.0.1:1"), "ALL_PROXY=http://127.0.0.1:1")...)
	r := new(reached)
	for _, scheme := range []string{"mqtt", "ws"} {
		address, _ := startProxied(t, scheme, r)
		newTestLink(t, address, r.dial).mustConnect(t)
	}
}

// proxyFails connects through the proxy that a variable names, which must fail, and checks what the error has to say, and that it
// has no credentials in it.
func proxyFails(t *testing.T, scheme, variable string, hints ...string) error {
	t.Helper()
	setProxies(t, variable)
	err := newTestLink(t, address.Broker{Scheme: scheme, Host: proxiedHost, Path: "/mqtt"}, nil).Connect(t.Context())
	if err == nil {
		t.Fatalf("%s: connected", variable)
	}
	for _, hint := range hints {
		if !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v; want %q in it", variable, err, hint)
		}
	}
	for _, secret := range []string{"alice", "hunter2"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error quotes %s: %v", variable, secret, err)
		}
	}
	return err
}

func TestProxyErrors(t *testing.T) {
	r := &reached{target: "127.0.0.1:1"}
	private := httptest.NewServer(httpProxy(r, "user:secret"))
	defer private.Close()
	status := func(code int) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	login, gone, privateHost := "alice:hunter2@", closed.Addr().String(), private.Listener.Addr().String()
	for _, test := range []struct {
		scheme, proxy string
		hints         []string
	}{
		{"http", privateHost, []string{"HTTP status 407", "user:password@" + privateHost, "HTTPS_PROXY"}},
		{"http", login + privateHost, []string{"HTTP status 407", "check them in HTTPS_PROXY"}},
		{"http", login + status(403), []string{"HTTP status 403", "NO_PROXY"}},
		{"http", login + status(502), []string{"HTTP status 502", "does not reach the broker"}},
		{"http", login + status(404), []string{"HTTP status 404", "HTTPS_PROXY"}},
		{"http", login + gone, []string{"refused"}},
		{"http", login + speaks(t, says("hello\r\n\r\n")), []string{"the proxy's answer"}},
		{"http", login + speaks(t, func(net.Conn) {}), []string{"the proxy's answer"}},
		{"socks5", login + socksProxy(t, r, "user", "secret"), []string{"check user and password in HTTPS_PROXY"}},
		{"socks5", socksProxy(t, r, "user", "secret"), []string{"check user and password in HTTPS_PROXY"}},
		{"socks5", login + socksProxy(t, r, "alice", "hunter2"), []string{"refused"}},
		{"socks5", login + gone, []string{"refused"}},
	} {
		for _, scheme := range []string{"mqtt", "mqtts", "wss"} {
			_, hostPort, found := strings.Cut(test.proxy, "@")
			if !found {
				hostPort = test.proxy
			}
			err := proxyFails(t, scheme, "HTTPS_PROXY="+test.scheme+"://"+test.proxy, append(test.hints, hostPort)...)
			var proxy *ProxyError
			if !errors.As(err, &proxy) || proxy.Proxy != hostPort {
				t.Errorf("%v is no error about the proxy at %s", err, hostPort)
			}
			if strings.HasSuffix(test.proxy, gone) && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%v does not say that the connection was refused", err)
			}
		}
	}
	for _, bad := range []string{"http://alice:hunter2@host:port", "alice:hunter2@host:port", "http://", "ftp://alice:hunter2@host", "http://alice:hunter2@[::1"} {
		proxyFails(t, "wss", "HTTPS_PROXY="+bad, "the proxy in HTTPS_PROXY")
		proxyFails(t, "ws", "HTTP_PROXY="+bad, "the proxy in HTTP_PROXY")
		proxyFails(t, "mqtt", "all_proxy="+bad, "the proxy in ALL_PROXY")
	}
}

// TestProxyPortsAreThoseOfTheScheme has addresses of proxies without a port.
func TestProxyPortsAreThoseOfTheScheme(t *testing.T) {
	for value, want := range map[string]string{
		"proxy": "proxy:80", "http://proxy": "proxy:80", "https://proxy": "proxy:443", "socks5://proxy": "proxy:1080",
		"socks5h://[2001:db8::1]": "[2001:db8::1]:1080", "http://user@proxy:3128/": "proxy:3128",
	} {
		proxy, err := parseProxy("ALL_PROXY", value)
		if err != nil || proxy.hostPort != want {
			t.Errorf("%s: %v, %v", value, proxy, err)
		}
	}
}

// TestBytesBehindTheProxysAnswer has a proxy that hands the broker's first bytes over together with its own.
func TestBytesBehindTheProxysAnswer(t *testing.T) {
	setProxies(t, "HTTPS_PROXY=http://"+speaks(t, says("HTTP/1.1 200 OK\r\n\r\n\x20\x02\x00\x00")))
	newTestLink(t, address.Broker{Scheme: "mqtt", Host: proxiedHost}, nil).mustConnect(t)
}

// TestProxysAnswerIsBounded has a proxy that never ends the header of its response.
func TestProxysAnswerIsBounded(t *testing.T) {
	hostPort := speaks(t, func(conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Filler: ")
		for filler := []byte(strings.Repeat("x", 8000)); ; {
			if _, err := conn.Write(filler); err != nil {
				return
			}
		}
	})
	if err := proxyFails(t, "mqtt", "HTTPS_PROXY=http://"+hostPort); !errors.Is(err, errPreamble) {
		t.Errorf("Connect: %v, want %v", err, errPreamble)
	}
}
