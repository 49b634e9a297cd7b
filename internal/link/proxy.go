package link

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// proxyPorts has the schemes of proxies, with the port of an address that has none.
var proxyPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// proxyServer is a proxy that the environment names.
type proxyServer struct {
	variable string   // of the environment
	url      *url.URL // with its credentials
	hostPort string
}

// environmentProxy returns the proxy of the environment for a broker, nil if there is none: the one in HTTP_PROXY for ws and in
// HTTPS_PROXY for all others, else the one in ALL_PROXY, in upper or lower case; unless NO_PROXY names the broker or the broker
// is on this machine. The environment is read each time. No error quotes a variable, which may hold a password.
func environmentProxy(broker *address.Broker) (*proxyServer, error) {
	environment := httpproxy.FromEnvironment()
	variable, value, scheme := "HTTPS_PROXY", environment.HTTPSProxy, "https"
	if broker.Scheme == "ws" {
		variable, value, scheme = "HTTP_PROXY", environment.HTTPProxy, "http"
	}
	if value == "" {
		variable, value, scheme = "ALL_PROXY", os.Getenv("all_proxy"), "https"
	}
	if value == "" {
		value = os.Getenv("ALL_PROXY")
	}
	if value == "" {
		return nil, nil
	}
	// Whether is for the package to decide, which is silent about a variable that it does not understand.
	environment.HTTPProxy, environment.HTTPSProxy = "proxy", "proxy"
	if through, err := environment.ProxyFunc()(&url.URL{Scheme: scheme, Host: broker.Host}); through == nil {
		return nil, err
	}
	return parseProxy(variable, value)
}

// parseProxy reads a variable. Without a scheme it is an HTTP proxy's.
func parseProxy(variable, value string) (*proxyServer, error) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("the proxy in %s is not a URL: write http://host:port", variable)
	}
	port := proxyPorts[u.Scheme]
	if port == "" {
		return nil, fmt.Errorf("the proxy in %s has a scheme that is not known: write http://, https://, socks5:// or socks5h://", variable)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return &proxyServer{variable, u, net.JoinHostPort(u.Hostname(), port)}, nil
}

// openTunnel connects to target through the proxy.
func (a *dialAttempt) openTunnel(target string) (net.Conn, error) {
	switch p := a.proxy; p.url.Scheme {
	case "http", "https":
		conn, err := a.Dial("tcp", p.hostPort)
		if err != nil {
			return nil, err
		}
		if p.url.Scheme == "https" {
			secured := tls.Client(conn, &tls.Config{ServerName: p.url.Hostname()})
			if err := secured.HandshakeContext(a.ctx); err != nil {
				// Not wrapped, since it would be taken for one about the broker's certificate.
				return nil, fmt.Errorf("TLS handshake with the proxy: %v", err)
			}
			conn = secured
		}
		return p.connect(conn, target)
	default:
		dialer, err := proxy.FromURL(p.url, a)
		if err != nil {
			return nil, err
		}
		conn, err := dialer.Dial("tcp", target)
		if err != nil && strings.Contains(err.Error(), "authentication") {
			err = fmt.Errorf("%w: check user and password in %s", err, p.variable)
		}
		return conn, err
	}
}

// connect asks an HTTP proxy for a tunnel to target (RFC 9110, section 9.3.6). The socket bounds what the proxy may answer.
func (p *proxyServer) connect(conn net.Conn, target string) (net.Conn, error) {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: make(http.Header)}
	if user := p.url.User; user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credentials) // RFC 7617
	}
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("asking the proxy for a tunnel: %w", err)
	}
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, request)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the proxy's answer: %w", err)
	case response.StatusCode/100 != 2:
		return nil, p.refused(response.StatusCode)
	case in.Buffered() > 0:
		return &tunnel{conn, in}, nil
	}
	return conn, nil
}

// refused says what a status other than success means.
func (p *proxyServer) refused(status int) error {
	switch {
	case status == http.StatusProxyAuthRequired && p.url.User == nil:
		return fmt.Errorf("it asks for user and password (HTTP status 407): write %s://user:password@%s into %s", p.url.Scheme, p.hostPort, p.variable)
	case status == http.StatusProxyAuthRequired:
		return fmt.Errorf("it does not accept user and password (HTTP status 407): check them in %s", p.variable)
	case status == http.StatusForbidden || status == http.StatusMethodNotAllowed:
		return fmt.Errorf("it does not allow this (HTTP status %d): ask for the broker's host and port to be allowed, try port 443, or name the host in NO_PROXY if it can be reached without", status)
	case status >= 500:
		return fmt.Errorf("it does not reach the broker (HTTP status %d): check the broker's host and port", status)
	}
	return fmt.Errorf("it makes no tunnel (HTTP status %d): check the proxy in %s", status, p.variable)
}

// tunnel is a connection through a proxy that sent something right behind its answer.
type tunnel struct {
	net.Conn
	in *bufio.Reader // over Conn; holds what came
}

// Read reads what came with the answer first.
func (t *tunnel) Read(p []byte) (int, error) {
	if t.in.Buffered() > 0 {
		return t.in.Read(p)
	}
	return t.Conn.Read(p)
}
