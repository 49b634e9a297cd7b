// Package server is the side that listens: it joins the streams of peers with the
// TCP targets that a policy lets them reach, and opens ports for them.
package server

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

const (
	// dialTimeout bounds the connection to a target; TCP itself would try for
	// two minutes, longer than any peer waits.
	dialTimeout = 10 * time.Second

	// headerTimeout bounds how long a peer takes to say what a stream is for.
	headerTimeout = 10 * time.Second
)

// Who is at the end of a connection here, for the record.
const (
	aTarget = "the target"
	aClient = "the client"
)

// muxProtocol is the protocol of package mux.
const muxProtocol = "mux"

// A Server serves the Conns of any number of Listeners under one policy.
type Server struct {
	policy    target.Policy
	speedtest bool
	logger    *slog.Logger
	ports     *ports
	streams   streams
}

// New returns a Server. speedtest says whether peers may measure the throughput.
func New(policy target.Policy, speedtest bool, logger *slog.Logger) *Server {
	return &Server{policy: policy, speedtest: speedtest, logger: logger, ports: newPorts()}
}

// Protocols lists what the Server speaks. Streams that cannot name a target are
// of use only where there is a default.
func (s *Server) Protocols() []string {
	if s.policy.Default == nil {
		return []string{tunnel.Protocol}
	}
	return []string{tunnel.Protocol, muxProtocol, ""}
}

// Serve serves the Conns of listener until that is closed.
func (s *Server) Serve(listener *mqtte2e.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go s.serve(conn.(*mqtte2e.Conn))
	}
}

func (s *Server) serve(conn *mqtte2e.Conn) {
	logger := s.logger.With("peer", conn.RemoteAddr().String())
	logger.Debug("a peer connected", "protocol", conn.Protocol())
	switch conn.Protocol() {
	case "":
		s.serveDefault(conn, logger)
	case muxProtocol:
		s.serveSession(conn, logger, func(_ *mux.Session, stream net.Conn) { s.serveDefault(stream, logger) })
	default:
		s.serveSession(conn, logger, func(session *mux.Session, stream net.Conn) {
			s.serveRequest(&request{server: s, conn: conn, session: session, stream: stream, logger: logger})
		})
	}
	logger.Debug("a peer left")
}

// serveSession calls handle for each stream that the peer opens.
func (s *Server) serveSession(conn net.Conn, logger *slog.Logger, handle func(*mux.Session, net.Conn)) {
	session, err := mux.Server(conn)
	if err != nil {
		logger.Error("no streams over this connection", "error", err)
		conn.Close()
		return
	}
	for {
		stream, err := session.Accept()
		if err != nil {
			logger.Debug("the session ended", "reason", err)
			return
		}
		go handle(session, stream)
	}
}

// serveDefault joins a stream that cannot name a target with the default.
func (s *Server) serveDefault(stream net.Conn, logger *slog.Logger) {
	endpoint, err := s.policy.Service("")
	if err != nil {
		logger.Warn("refused", "reason", err)
		tunnel.Abort(stream)
		return
	}
	local, err := dial(endpoint)
	if err != nil {
		logger.Warn("a target cannot be reached", "target", endpoint, "error", err)
		tunnel.Abort(stream)
		return
	}
	s.join(local, aTarget, stream, logger.With("target", endpoint.String()))
}

// join serves a stream whose other end is reached. logger names both.
func (s *Server) join(local net.Conn, who string, stream net.Conn, logger *slog.Logger) {
	logger.Debug("joined with a target")
	s.streams.begin()
	defer s.streams.end()
	tunnel.Serve(local, who, stream, logger)
}

func dial(endpoint target.Endpoint) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", endpoint.String())
	if err != nil {
		return nil, ui.Wrap(err, "the target %s cannot be reached: %s: check that something listens there", endpoint, ui.Reason(err))
	}
	return conn, nil
}
