package e2etest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// loopback listens on a free port until the test ends.
func loopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// brokerWith runs an embedded broker with one listener, which listen may wrap,
// and returns its host and port.
func brokerWith(t *testing.T, config broker.Config, wrap func(net.Listener) net.Listener, webSocket bool) string {
	t.Helper()
	b, err := broker.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	listener := loopback(t)
	host := listener.Addr().String()
	if wrap != nil {
		listener = wrap(listener)
	}
	listen := b.Listen
	if webSocket {
		listen = b.ListenWebSocket
	}
	if err := listen(listener); err != nil {
		t.Fatal(err)
	}
	return host
}

func withTLS(certificate tls.Certificate) func(net.Listener) net.Listener {
	return func(inner net.Listener) net.Listener {
		return tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
}

// TestTransports carries data over every kind of connection to a broker.
func TestTransports(t *testing.T) {
	certificate, roots := simtest.Certificate()
	for _, test := range []struct {
		scheme    string
		webSocket bool
		secure    bool
	}{
		{"mqtt", false, false}, {"mqtts", false, true}, {"ws", true, false}, {"wss", true, true},
		{"tcp", false, false}, {"ssl", false, true}, {"tls", false, true},
	} {
		t.Run(test.scheme, func(t *testing.T) {
			var wrap func(net.Listener) net.Listener
			if test.secure {
				wrap = withTLS(certificate)
			}
			host := brokerWith(t, broker.Config{Username: "u", Password: "p@ss"}, wrap, test.webSocket)
			config := newConfig()
			config.TLSConfig = &tls.Config{RootCAs: roots}
			dialed, accepted, err := connect(endpoints(t, test.scheme+"://u:p%40ss@"+host, config))
			if err != nil {
				t.Fatal(err)
			}
			there, back := startTransfer(dialed, accepted, size(5e6)), startTransfer(accepted, dialed, size(5e6))
			there.check(t)
			back.check(t)
		})
	}
}

// TestMosquittoWithTLSAndPassword uses what a broker on the internet asks for.
func TestMosquittoWithTLSAndPassword(t *testing.T) {
	certificate, roots := simtest.Certificate()
	directory := t.TempDir()
	lines := []string{"allow_anonymous false", "password_file " + passwordFile(t, "u", "p")}
	lines = append(lines, certificateLines(t, directory, certificate)...)
	host := strings.TrimPrefix(simtest.Mosquitto(t, lines...).Address, "mqtt://")
	config := newConfig()
	config.TLSConfig = &tls.Config{RootCAs: roots}
	config.Username, config.Password = "u", "p"
	dialed, accepted, err := connect(endpoints(t, "mqtts://"+host, config))
	if err != nil {
		t.Fatal(err)
	}
	startTransfer(dialed, accepted, size(5e6)).check(t)
}

// TestMosquittoOverWebSocket moves in a second or two what would take ten
// minutes with messages of 32 KiB, which Mosquitto with libwebsockets hands
// over in pieces of 4 KiB, one each 100 ms.
func TestMosquittoOverWebSocket(t *testing.T) {
	listener := loopback(t)
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	tcp := simtest.Mosquitto(t, simtest.MosquittoWebSocket(port)).Address
	ws := fmt.Sprintf("ws://127.0.0.1:%d", port)
	for _, test := range []struct{ dialer, listener string }{{ws, ws}, {ws, tcp}, {tcp, ws}} {
		config := newConfig()
		server, err := endpoint(t, test.listener, config).Listen(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		dialed, accepted, err := connect(endpoint(t, test.dialer, config), server)
		if err != nil {
			t.Fatal(err)
		}
		stuck := time.AfterFunc(time.Minute, func() { dialed.Reset() })
		there, back := startTransfer(dialed, accepted, size(50e6)), startTransfer(accepted, dialed, size(50e6))
		there.check(t)
		back.check(t)
		stuck.Stop()
	}
}

// passwordFile writes a password file of Mosquitto's.
func passwordFile(t *testing.T, user, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwords")
	command := exec.Command(simtest.Program(t, "mosquitto_passwd"), "-c", "-b", path, user, password)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v\n%s", err, output)
	}
	return path
}

var errTest = errors.New("the test says no")

// TestBrokerErrors checks what is said of brokers that cannot be used: what
// errors.Is and As find, a hint for people, and no secret.
func TestBrokerErrors(t *testing.T) {
	certificate, roots := simtest.Certificate()
	closed := loopback(t)
	closed.Close()
	secured := brokerWith(t, broker.Config{}, withTLS(certificate), false)
	plain := brokerWith(t, broker.Config{Username: "u", Password: "p"}, nil, false)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	var refused *link.RefusedError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	for _, test := range []struct {
		name, address string
		change        func(*mqtte2e.Config)
		is            error
		as            any
		hint          string
	}{
		{name: "nothing listens", address: "mqtt://" + closed.Addr().String(), is: syscall.ECONNREFUSED, hint: "check that the broker runs"},
		{name: "no such host", address: "mqtt://broker.invalid", change: func(c *mqtte2e.Config) { c.DialContext = dialWithoutDNS }, as: &dns, hint: "DNS"},
		{name: "DialContext fails", address: "mqtt://" + plain, change: func(c *mqtte2e.Config) {
			c.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errTest }
		}, is: errTest, hint: "check the address"},
		{name: "wrong password", address: "mqtt://" + plain, as: &refused, hint: "check user name, password"},
		{name: "unknown authority", address: "mqtts://" + secured, as: &unknown, hint: "roots"},
		{name: "unknown authority of wss", address: "wss://" + secured, as: &unknown, hint: "roots"},
		{name: "another host's certificate", address: "mqtts://" + secured, change: func(c *mqtte2e.Config) {
			c.TLSConfig = &tls.Config{RootCAs: roots, ServerName: "broker.test"}
		}, as: &hostname, hint: "check the host"},
		{name: "TLS to a port without", address: "mqtts://" + web.Listener.Addr().String(), as: &record, hint: "for MQTT over WebSocket without TLS write ws://"},
		{name: "no TLS to a port with", address: "mqtt://" + secured, hint: "write mqtts://"},
		{name: "WebSocket not found", address: "ws" + strings.TrimPrefix(web.URL, "http"), hint: "404"},
		{name: "another protocol", address: "mqtt://" + greeter(t, "SSH-2.0-test\r\n"), hint: "SSH is spoken there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := newConfig()
			config.Username, config.Password = "ulrike77", "hunter2"
			if test.change != nil {
				test.change(config)
			}
			for _, attempt := range attempts {
				checkBrokerError(t, attempt(t.Context(), test.address, config), test.is, test.as, test.hint)
			}
		})
	}
}

// checkBrokerError checks that err is an ErrBroker for the right reason, that
// package net could have made.
func checkBrokerError(t *testing.T, err, is error, as any, hint string) {
	t.Helper()
	var op *net.OpError
	if !errors.Is(err, mqtte2e.ErrBroker) || !errors.As(err, &op) {
		t.Fatalf("not an ErrBroker in a net.OpError: %v", err)
	}
	if errors.Is(err, mqtte2e.ErrNoAnswer) || errors.Is(err, mqtte2e.ErrRefused) {
		t.Errorf("also another of our errors: %v", err)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("not %v: %v", is, err)
	}
	if as != nil && !errors.As(err, as) {
		t.Errorf("not a %T: %v", as, err)
	}
	if !strings.Contains(err.Error(), hint) {
		t.Errorf("no %q in: %v", hint, err)
	}
	for _, secret := range []string{"ulrike77", "hunter2"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

// dialWithoutDNS is net.Dialer where no name server answers.
func dialWithoutDNS(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errTest
	}}}
	return dialer.DialContext(ctx, network, address)
}

// greeter returns the address of a server that says something of another
// protocol.
func greeter(t *testing.T, greeting string) string {
	listener := loopback(t)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, greeting)
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestMosquittoRefuses(t *testing.T) {
	host := strings.TrimPrefix(simtest.Mosquitto(t, "allow_anonymous false", "password_file "+passwordFile(t, "u", "p")).Address, "mqtt://")
	for _, address := range []string{"mqtt://" + host, "mqtt://u:hunter2@" + host, "mqtt://ulrike77:hunter2@" + host} {
		for _, attempt := range attempts {
			checkBrokerError(t, attempt(t.Context(), address, newConfig()), nil, new(*link.RefusedError), "check user")
		}
	}
}

// TestMosquittoByWrongScheme meets a broker's ports with the schemes of others.
func TestMosquittoByWrongScheme(t *testing.T) {
	free := loopback(t)
	free.Close()
	port := free.Addr().(*net.TCPAddr).Port
	plain := strings.TrimPrefix(simtest.Mosquitto(t, simtest.MosquittoWebSocket(port)).Address, "mqtt")
	web := "://" + free.Addr().String()
	for address, hint := range map[string]string{
		"mqtts" + plain: "write mqtt://", "ws" + plain: "write mqtt://", "wss" + plain: "mqtt://",
		"mqtt" + web: "write ws://", "mqtts" + web: "write ws://", "wss" + web: "write ws://",
	} {
		for _, attempt := range attempts {
			checkBrokerError(t, attempt(t.Context(), address, newConfig()), nil, new(*link.ForeignError), hint)
		}
	}
}

// TestMosquittoForbidsTopics has a broker whose rules know another TopicPrefix
// than ours. It confirms subscriptions and then delivers nothing.
func TestMosquittoForbidsTopics(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(rules, []byte("topic readwrite site/#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := simtest.Mosquitto(t, "acl_file "+rules).Address
	config := newConfig()
	dialer, _ := endpoints(t, address, config)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := dialer.Dial(ctx, "test"); !errors.Is(err, mqtte2e.ErrNoAnswer) || !strings.Contains(err.Error(), "permissions") {
		t.Errorf("dialing: %v", err)
	}
	config.TopicPrefix = "site/"
	dialed, accepted, err := connect(endpoints(t, address, config))
	if err != nil {
		t.Fatal(err)
	}
	startTransfer(dialed, accepted, 1e6).check(t)
}

func certificateLines(t *testing.T, directory string, certificate tls.Certificate) []string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, file := range []struct {
		option, kind string
		der          []byte
	}{{"certfile", "CERTIFICATE", certificate.Certificate[0]}, {"keyfile", "PRIVATE KEY", key}} {
		path := filepath.Join(directory, file.option)
		block := pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.der})
		if err := os.WriteFile(path, block, 0o600); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %s", file.option, path))
	}
	return lines
}
