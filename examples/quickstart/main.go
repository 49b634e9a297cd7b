// The quickstart serves HTTP over MQTT and shows both sides of it: what the
// client got, and what the broker saw.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -broker mqtt://broker.example
//
// Without -broker it starts an embedded one. It makes a key, listens, dials,
// downloads 64 MiB through net/http, and checks their SHA-256.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// name is what the listener listens under. The broker never sees it.
const name = "quickstart"

func main() {
	address := flag.String("broker", "", "broker to use, such as mqtt://broker.example (default: one embedded in this program)")
	flag.Parse()
	if err := run(*address, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run prints its results to out and its progress to talk.
func run(address string, out, talk io.Writer) error {
	var seen *witness
	if address == "" {
		seen = new(witness)
		embedded, stop, err := mqtttest.Start(seen.saw)
		if err != nil {
			return err
		}
		defer stop()
		address = embedded
	}
	fmt.Fprintf(out, "broker            %s%s\n", address, map[bool]string{true: " (embedded)"}[seen != nil])

	// All that the two sides share: this key, and the broker's address.
	config := &mqtte2e.Config{Key: mqtte2e.NewKey()}
	server := &mqtte2e.Endpoint{Broker: address, Config: config}
	client := &mqtte2e.Endpoint{Broker: address, Config: config}
	defer client.Close()
	defer server.Close()

	content := newContent()
	if err := serve(server, content); err != nil {
		return err
	}
	got, err := download(client, talk)
	if err != nil {
		return err
	}
	return report(out, got, content, client, seen)
}

// serve is an ordinary web server on an unusual listener.
func serve(endpoint *mqtte2e.Endpoint, body *content) error {
	listener, err := endpoint.Listen(context.Background(), name)
	if err != nil {
		return err
	}
	go http.Serve(listener, body)
	return nil
}

// result is what the client got.
type result struct {
	size int64
	sum  [sha256.Size]byte
	took time.Duration
}

// download is an ordinary web client with an unusual dialer.
func download(endpoint *mqtte2e.Endpoint, talk io.Writer) (result, error) {
	transport := &http.Transport{DialContext: endpoint.DialContext}
	defer transport.CloseIdleConnections()
	start := time.Now()
	response, err := (&http.Client{Transport: transport}).Get("http://" + name + "/")
	if err != nil {
		return result{}, err
	}
	defer response.Body.Close()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(hash, newProgress(talk, response.ContentLength)), response.Body)
	if err != nil {
		return result{}, err
	}
	return result{n, [sha256.Size]byte(hash.Sum(nil)), time.Since(start)}, nil
}

func report(out io.Writer, got result, body *content, client *mqtte2e.Endpoint, seen *witness) error {
	fmt.Fprintf(out, "client got        %d bytes of HTTP body, SHA-256 %x…\n", got.size, got.sum[:8])
	if got.sum != body.sum() {
		return errors.New("the SHA-256 differs from the server's: this must never happen, please report it")
	}
	fmt.Fprintf(out, "                  which is what the server sent\n")
	if seen != nil {
		seen.print(out)
	}
	fmt.Fprintf(out, "rate              %.0f MB/s, encrypted, through the broker\n", float64(got.size)/got.took.Seconds()/1e6)
	if rtt, err := client.Ping(context.Background(), name); err == nil {
		fmt.Fprintf(out, "round trip        %v\n", rtt.Round(10*time.Microsecond))
	}
	fmt.Fprintf(out, "next              go run ./examples/quickstart -broker mqtt://YOUR-BROKER, or mqtts://USER:PASSWORD@YOUR-BROKER\n")
	return nil
}
