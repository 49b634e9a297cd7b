// The example http runs net/http over MQTT: server.go is one side, client.go
// the other.
//
//	go run ./examples/http                                                both sides, and an embedded broker
//	MQTT_E2E_KEY=… go run ./examples/http -at mqtt://broker.example#box server
//	MQTT_E2E_KEY=… go run ./examples/http -at mqtt://broker.example#box client
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

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

func main() {
	at := flag.String("at", "", "`ADDRESS` of the server, for one side only")
	flag.Parse()
	if err := run(context.Background(), *at, flag.Arg(0), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		os.Exit(1)
	}
}

// run plays one side at an address, or both where there is none.
func run(ctx context.Context, address, side string, out io.Writer) error {
	if address == "" && side == "" {
		return both(ctx, out)
	}
	key, err := mqtte2e.ParseKey(os.Getenv("MQTT_E2E_KEY"))
	if err != nil {
		return err
	}
	config := &mqtte2e.Config{Key: key}
	switch side {
	case "server":
		listener, err := mux.Listen(ctx, address, config)
		if err != nil {
			return err
		}
		return serve(listener)
	case "client":
		return get(ctx, address, config, out)
	}
	return errors.New("say which side: -at ADDRESS server, or -at ADDRESS client")
}

func both(ctx context.Context, out io.Writer) error {
	address, stop, err := mqtttest.Start(nil)
	if err != nil {
		return err
	}
	defer stop()
	config := &mqtte2e.Config{Key: mqtte2e.NewKey()}
	listener, err := mux.Listen(ctx, address+"#box", config)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- serve(listener) }()
	err = get(ctx, address+"#box", config, out)
	listener.Close()
	if ended := <-served; err == nil && !errors.Is(ended, net.ErrClosed) && ended != http.ErrServerClosed {
		err = ended
	}
	return err
}
