package mux

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

func TestConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		client, server := tcpSessions(t)
		c1, c2 = open(t, client, server)
		return c1, c2, func() {
			c1.Close()
			c2.Close()
			client.Close()
			server.Close()
		}, nil
	})
}
