package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/things-go/go-socks5"
	"github.com/things-go/go-socks5/statute"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
)

// requestTimeout bounds how long a client takes to say what it wants.
const requestTimeout = 30 * time.Second

// An Open connects to HOST:PORT. Its error may be a *tunnel.Error.
type Open func(hostPort string) (net.Conn, error)

// serveSOCKS answers one client of SOCKS5 (RFC 1928), joins it with what it asks
// for, and returns when both have ended. Only CONNECT is supported; host names
// are passed on unresolved.
func serveSOCKS(conn net.Conn, open Open) error {
	server := socks5.NewServer(
		socks5.WithResolver(unresolved{}),
		socks5.WithConnectHandle(func(_ context.Context, _ io.Writer, request *socks5.Request) error {
			return connect(conn, request, open)
		}),
		socks5.WithAssociateHandle(func(_ context.Context, writer io.Writer, _ *socks5.Request) error {
			return socks5.SendReply(writer, statute.RepCommandNotSupported, nil)
		}),
	)
	conn.SetDeadline(time.Now().Add(requestTimeout))
	return server.ServeConn(conn)
}

func connect(conn net.Conn, request *socks5.Request, open Open) error {
	conn.SetDeadline(time.Time{})
	stream, err := open(destination(request.DestAddr))
	if err != nil {
		socks5.SendReply(conn, code(err), nil)
		return err
	}
	// Clients are not told where the other side's connection comes from: they
	// get the zero address, as from other servers behind a tunnel.
	if err := socks5.SendReply(conn, statute.RepSuccess, &net.TCPAddr{IP: net.IPv4zero}); err != nil {
		tunnel.Abort(stream)
		return err
	}
	return tunnel.Join(socksClient{conn, request.Reader}, stream)
}

func destination(address *statute.AddrSpec) string {
	host := address.FQDN
	if host == "" {
		host = address.IP.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(address.Port))
}

// code is the reply to a client for an error (RFC 1928 section 6).
func code(err error) uint8 {
	var refused *tunnel.Error
	switch {
	case !errors.As(err, &refused):
		return statute.RepServerFailure
	case refused.Reply.Code == tunnel.Refused:
		return statute.RepRuleFailure
	case refused.Reply.Code == tunnel.Unreachable:
		return statute.RepConnectionRefused
	}
	return statute.RepServerFailure
}

// unresolved leaves names to the other side, to judge and to resolve.
type unresolved struct{}

func (unresolved) Resolve(ctx context.Context, _ string) (context.Context, net.IP, error) {
	return ctx, nil, nil
}

// client is a client's connection whose first bytes may have been read ahead.
type socksClient struct {
	net.Conn
	ahead io.Reader
}

func (c socksClient) Read(b []byte) (int, error) { return c.ahead.Read(b) }

func (c socksClient) CloseWrite() error { return tunnel.CloseWrite(c.Conn) }

// SetLinger is for tunnel.Abort.
func (c socksClient) SetLinger(seconds int) error {
	return c.Conn.(interface{ SetLinger(int) error }).SetLinger(seconds)
}
