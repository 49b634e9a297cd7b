package link

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestProtocolsOffered has servers for mqtts that want to be offered a protocol, or do not. The port that counts is the one in the
// address.
func TestProtocolsOffered(t *testing.T) {
	certificate, roots := simtest.Certificate()
	for name, test := range map[string]struct {
		port    string
		known   []string // by the server
		callers []string // in the caller's configuration
		want    []string // negotiated by one connection after the other
	}{
		"AWS IoT Core":      {port: "443", known: []string{mqttOn443}, want: []string{mqttOn443}},
		"without protocols": {port: "443", want: []string{""}},
		"for the web":       {port: "443", known: []string{"h2", "http/1.1"}, want: []string{"refused", ""}},
		"the caller's":      {port: "443", known: []string{"mqtt", mqttOn443}, callers: []string{"mqtt"}, want: []string{"mqtt"}},
		"the caller's none": {port: "443", known: []string{mqttOn443}, callers: []string{}, want: []string{""}},
		"another port":      {port: "8883", known: []string{mqttOn443}, want: []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			negotiated := make(chan chan string, len(test.want)) // in the order in which the connections were made
			config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: test.known}
			host := speaks(t, func(conn net.Conn) {
				result := make(chan string, 1)
				negotiated <- result
				secured := tls.Server(conn, config)
				if secured.Handshake() != nil {
					result <- "refused"
					return
				}
				result <- secured.ConnectionState().NegotiatedProtocol
				broker := newScript(secured)
				broker.acceptConnect()
				broker.readAll()
			})
			l := newTestLink(t, address.Broker{Scheme: "mqtts", Host: "example.com:" + test.port}, func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, host)
			})
			l.config.TLSConfig = &tls.Config{RootCAs: roots, NextProtos: test.callers}
			l.mustConnect(t)
			for _, want := range test.want {
				if got := <-<-negotiated; got != want {
					t.Errorf("negotiated %q, want %q", got, want)
				}
			}
		})
	}
}
