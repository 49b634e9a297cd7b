package simtest

import (
	"io"
	"net"
)

// Echo sends back what comes on the connections that a listener accepts, until it is closed.
func Echo(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}
