package main

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// serve is an ordinary web server on an unusual listener. It returns when that
// is closed.
func serve(listener net.Listener) error {
	handler := http.NewServeMux()
	handler.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s, from the other side of a broker.\n", r.PathValue("name"))
	})
	handler.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "event %d\n", i+1)
			http.NewResponseController(w).Flush()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}
