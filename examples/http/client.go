package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// get is an ordinary web client. Hosts are names of listeners; requests to one
// host share one connection, as streams.
func get(ctx context.Context, address string, config *mqtte2e.Config, out io.Writer) error {
	broker, name, _ := strings.Cut(address, "#")
	endpoint := &mqtte2e.Endpoint{Broker: broker, Config: config}
	defer endpoint.Close()
	dialer := &mux.Dialer{Endpoint: endpoint}
	defer dialer.Close()
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for _, path := range []string{"/hello/world", "/events"} {
		if err := show(ctx, client, "http://"+name+path, out); err != nil {
			return err
		}
	}
	return nil
}

func show(ctx context.Context, client *http.Client, url string, out io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Fprintf(out, "GET %s: %s\n", url, response.Status)
	_, err = io.Copy(out, response.Body)
	return err
}
