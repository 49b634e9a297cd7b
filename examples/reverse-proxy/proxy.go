package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// proxy shows the device's page on a local port until the context ends. The
// Host header stays the browser's, so that the device sees where a WebSocket
// comes from.
func proxy(ctx context.Context, address string, config *mqtte2e.Config, port string, out io.Writer) error {
	broker, name, _ := strings.Cut(address, "#")
	endpoint := &mqtte2e.Endpoint{Broker: broker, Config: config}
	defer endpoint.Close()
	dialer := &mux.Dialer{Endpoint: endpoint}
	defer dialer.Close()
	target := &url.URL{Scheme: "http", Host: name}
	reverse := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: &http.Transport{DialContext: dialer.DialContext},
	}
	listener, err := net.Listen("tcp", port)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the device's page is at http://%s\n", listener.Addr())
	return serve(ctx, listener, reverse)
}
