// The example reverse-proxy shows a device's web page, WebSocket included, on
// localhost: device.go is the device, proxy.go the machine with the browser.
//
//	go run ./examples/reverse-proxy                                             both, and an embedded broker
//	MQTT_E2E_KEY=… go run ./examples/reverse-proxy -at mqtt://broker.example#box device
//	MQTT_E2E_KEY=… go run ./examples/reverse-proxy -at mqtt://broker.example#box proxy
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

func main() {
	at := flag.String("at", "", "`ADDRESS` of the device, for one side only")
	port := flag.String("listen", "127.0.0.1:8080", "`HOST:PORT` for the browser")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *at, flag.Arg(0), *port, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "reverse-proxy:", err)
		os.Exit(1)
	}
}

// run plays one side at an address, or both where there is none, until the
// context ends.
func run(ctx context.Context, address, side, port string, out io.Writer) error {
	if address == "" && side == "" {
		return both(ctx, port, out)
	}
	key, err := mqtte2e.ParseKey(os.Getenv("MQTT_E2E_KEY"))
	if err != nil {
		return err
	}
	config := &mqtte2e.Config{Key: key}
	switch side {
	case "device":
		return device(ctx, address, config)
	case "proxy":
		return proxy(ctx, address, config, port, out)
	}
	return errors.New("say which side: -at ADDRESS device, or -at ADDRESS proxy")
}

func both(ctx context.Context, port string, out io.Writer) error {
	address, stop, err := mqtttest.Start(nil)
	if err != nil {
		return err
	}
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	config := &mqtte2e.Config{Key: mqtte2e.NewKey()}
	results := make(chan error, 2)
	go func() { results <- device(ctx, address+"#box", config) }()
	go func() { results <- proxy(ctx, address+"#box", config, port, out) }()
	err = <-results
	cancel()
	return errors.Join(err, <-results)
}

// device serves the page until the context ends.
func device(ctx context.Context, address string, config *mqtte2e.Config) error {
	listener, err := mux.Listen(ctx, address, config)
	if err != nil {
		return err
	}
	return serve(ctx, listener, page())
}

// serve serves HTTP until the context ends.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
