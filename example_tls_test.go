package mqtte2e_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// The key of a Config belongs to all who hold it. Where each end needs an
// identity of its own, TLS runs over a Conn as over any other connection.
func Example_tls() {
	address, stop := exampleBroker()
	defer stop()
	endpoint := &mqtte2e.Endpoint{Broker: address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer endpoint.Close()
	ctx := context.Background()
	certificate, roots := simtest.Certificate() // for example.com

	inner, err := endpoint.Listen(ctx, "thermostat")
	if err != nil {
		log.Fatal(err)
	}
	listener := tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{certificate}})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.WriteString(conn, "21 degrees")
				conn.Close()
			}()
		}
	}()

	conn, err := endpoint.Dial(ctx, "thermostat")
	if err != nil {
		log.Fatal(err)
	}
	client := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "example.com"})
	defer client.Close()
	answer, err := io.ReadAll(client)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s says %s\n", client.ConnectionState().PeerCertificates[0].DNSNames[0], answer)
	// Output: example.com says 21 degrees
}
