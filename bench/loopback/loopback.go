// Package loopback finds places for servers on the loopback interface.
package loopback

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Free returns n addresses, host:port, that nothing listens on now.
func Free(n int) ([]string, error) {
	hosts := make([]string, n)
	for i := range hosts {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // once all are chosen, so that they differ
		hosts[i] = l.Addr().String()
	}
	return hosts, nil
}

// Await waits until a broker listens on host.
func Await(host string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := net.Dial("tcp", host)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("the broker does not listen on %s: %w", host, err)
		}
	}
}

// Port returns the port of a host:port.
func Port(host string) string {
	_, port, _ := net.SplitHostPort(host)
	return port
}
