package mux

import (
	"io"
	"net"
	"testing"

	"github.com/hashicorp/yamux"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestPlainYamux exchanges streams with yamux in its default configuration, as
// client and as server.
func TestPlainYamux(t *testing.T) {
	config := yamux.DefaultConfig()
	config.LogOutput = io.Discard
	t.Run("server", func(t *testing.T) {
		c, s := simtest.TCPPair(t)
		plain, err := yamux.Client(c, config)
		if err != nil {
			t.Fatal(err)
		}
		server, err := Server(s)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		defer plain.Close()
		near, err := plain.Open()
		if err != nil {
			t.Fatal(err)
		}
		far, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		echoThrough(t, far, near)
	})
	t.Run("client", func(t *testing.T) {
		c, s := simtest.TCPPair(t)
		client, err := Client(c)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := yamux.Server(s, config)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		defer plain.Close()
		near, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		far, err := plain.Accept()
		if err != nil {
			t.Fatal(err)
		}
		echoThrough(t, near, far)
	})
}

// echoThrough sends from one stream to the other, which is yamux's own, and
// back; yamux's Close is a CloseWrite.
func echoThrough(t *testing.T, ours, plain net.Conn) {
	t.Helper()
	const size = 3 << 20
	go func() {
		io.Copy(plain, plain)
		plain.Close()
	}()
	go func() {
		ours.Write(noise(size))
		ours.(closeWriter).CloseWrite()
	}()
	wantRead(t, ours, noise(size))
	wantEOF(t, ours)
	ours.Close()
}
