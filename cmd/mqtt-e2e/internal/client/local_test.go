package client

import (
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestServePort joins connections to a port with streams, and resets those for
// which there is none.
func TestServePort(t *testing.T) {
	config := &mqtte2e.Config{Key: mqtte2e.NewKey(), DialContext: simtest.Broker(t).DialContext}
	endpoint := &mqtte2e.Endpoint{Broker: simtest.Address, Config: config}
	defer endpoint.Close()
	listener, err := endpoint.Listen(t.Context(), "box")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go echo(conn)
		}
	}()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := New(endpoint, "box", nil, slog.New(slog.DiscardHandler))
	served := make(chan struct{})
	go func() {
		c.ServePort(t.Context(), port, Default)
		close(served)
	}()
	for range 2 {
		conn, err := net.Dial("tcp", port.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		wantEcho(t, conn, "through the port")
	}
	c.Close()
	conn, err := net.Dial("tcp", port.Addr().String())
	if err == nil { // else it was reset at once
		if got, err := io.ReadAll(conn); err == nil {
			t.Errorf("without a stream it reads %q and an end", got)
		}
		conn.Close()
	}
	port.Close()
	<-served
}
