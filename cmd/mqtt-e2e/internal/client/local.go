package client

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// waitTimeout is how long a connection to a local port waits for the listener,
// while the broker restarts for instance, before it is reset.
const waitTimeout = 30 * time.Second

// acceptPause is waited after an Accept that failed, before the next one.
const acceptPause = 50 * time.Millisecond

// ServePort joins each connection to a local port with a stream for request.
// It returns when the port is closed.
func (c *Client) ServePort(ctx context.Context, port net.Listener, request tunnel.Request) {
	logger := c.logger.With("port", port.Addr().String())
	status := ui.NewStatus(logger)
	acceptAll(port, func(conn net.Conn) {
		stream, err := c.openInTime(ctx, request)
		if err != nil {
			tunnel.Abort(conn)
			c.tell(ctx, status, err)
			return
		}
		finish(tunnel.Join(conn, stream), logger)
	})
}

// ServeSocks answers SOCKS5 clients at a local port. It returns when the port
// is closed.
func (c *Client) ServeSocks(ctx context.Context, port net.Listener) {
	logger := c.logger.With("port", port.Addr().String())
	status := ui.NewStatus(logger)
	acceptAll(port, func(conn net.Conn) {
		finish(serveSOCKS(conn, func(hostPort string) (net.Conn, error) {
			stream, err := c.openInTime(ctx, tunnel.Request{Kind: tunnel.Target, Text: hostPort})
			if err != nil {
				c.tell(ctx, status, err, "target", hostPort)
			}
			return stream, err
		}), logger)
	})
}

func (c *Client) openInTime(ctx context.Context, request tunnel.Request) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	return c.Open(ctx, request)
}

func (c *Client) tell(ctx context.Context, status *ui.Status, err error, attrs ...any) {
	if ctx.Err() == nil {
		status.Warn("a connection failed: "+err.Error(), attrs...)
	}
}

func finish(err error, logger *slog.Logger) {
	if err != nil {
		logger.Debug("a connection ended early", "error", err)
	}
}

// acceptAll calls handle for each connection to a port until that is closed.
func acceptAll(port net.Listener, handle func(net.Conn)) {
	for {
		conn, err := port.Accept()
		switch {
		case err == nil:
			go handle(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// Out of descriptors, for one: the next try may find some.
			time.Sleep(acceptPause)
		}
	}
}
