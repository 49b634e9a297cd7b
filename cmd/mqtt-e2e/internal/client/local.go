package client

import (
	"context"
	"log/slog"
	"net"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// ServePort joins each connection to a local port with a stream for request.
// It returns when the port is closed.
func (c *Client) ServePort(ctx context.Context, port net.Listener, request tunnel.Request) {
	logger := c.logger.With("port", port.Addr().String())
	status := ui.NewStatus(logger)
	tunnel.AcceptAll(port, func(conn net.Conn) {
		go func() {
			stream, err := c.openInTime(ctx, status, request)
			if err != nil {
				tunnel.Abort(conn)
				return
			}
			logEarlyEnd(tunnel.Join(conn, stream), logger)
		}()
	})
}

// ServeSOCKS answers SOCKS5 clients at a local port. It returns when the port
// is closed.
func (c *Client) ServeSOCKS(ctx context.Context, port net.Listener) {
	logger := c.logger.With("port", port.Addr().String())
	status := ui.NewStatus(logger)
	tunnel.AcceptAll(port, func(conn net.Conn) {
		go func() {
			logEarlyEnd(serveSOCKS(conn, func(hostPort string) (net.Conn, error) {
				return c.openInTime(ctx, status, tunnel.Request{Kind: tunnel.Target, Text: hostPort}, "target", hostPort)
			}), logger)
		}()
	})
}

// openInTime opens a stream for a connection that waits for it, while the broker
// restarts for instance, and tells status of a failure, with attrs.
func (c *Client) openInTime(ctx context.Context, status *ui.Status, request tunnel.Request, attrs ...any) (net.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, AttemptTimeout)
	defer cancel()
	stream, err := c.Open(limited, request)
	if err != nil && ctx.Err() == nil {
		status.Warn("a connection failed: "+err.Error(), attrs...)
	}
	return stream, err
}

func logEarlyEnd(err error, logger *slog.Logger) {
	if err != nil {
		logger.Debug("a connection ended early", "error", err)
	}
}
