package mux

import (
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// newSessions makes two sessions of the ends of a connection.
func newSessions(tb testing.TB, c, s net.Conn) (client, server *Session) {
	tb.Helper()
	client, err := Client(c)
	if err != nil {
		tb.Fatal(err)
	}
	if server, err = Server(s); err != nil {
		tb.Fatal(err)
	}
	return client, server
}

// tcpSessions returns two sessions over TCP that end with the test.
func tcpSessions(tb testing.TB) (client, server *Session) {
	tb.Helper()
	c, s := simtest.TCPPair(tb)
	client, server = newSessions(tb, c, s)
	tb.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

// open opens a stream from client and accepts it at server.
func open(tb testing.TB, client, server *Session) (near, far net.Conn) {
	tb.Helper()
	near, err := client.Open(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if far, err = server.Accept(); err != nil {
		tb.Fatal(err)
	}
	return near, far
}
