// Package server is the side that listens: it joins the streams of peers with the
// TCP targets that a policy lets them reach, and opens ports for them.
package server

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// recordTimeout is how long Wait waits. Streams whose Conn is closed end at once,
// but for those of which only the direction from a silent target is left.
const recordTimeout = time.Second

// A Server serves the Conns of any number of Listeners under one policy.
type Server struct {
	policy    target.Policy
	speedtest bool
	logger    *slog.Logger
	ports     *ports
	running   sync.WaitGroup // of Conns, and of the streams in them
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
	return []string{tunnel.Protocol, tunnel.MuxProtocol, ""}
}

// Serve serves the Conns of listener until that is closed.
func (s *Server) Serve(listener *mqtte2e.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		s.running.Go(func() { s.serve(conn.(*mqtte2e.Conn)) })
	}
}

// Wait waits, for a second at most, until what is to be said of each stream is
// in the log. It is for a program that ends, after Serve has returned and the
// Conns were closed.
func (s *Server) Wait() {
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(recordTimeout):
	}
}

func (s *Server) serve(conn *mqtte2e.Conn) {
	logger := s.logger.With("peer", conn.RemoteAddr().String())
	logger.Debug("a peer connected", "protocol", conn.Protocol())
	switch conn.Protocol() {
	case "":
		s.serveDefault(conn, logger)
	case tunnel.MuxProtocol:
		s.serveSession(conn, logger, func(_ *mux.Session, stream net.Conn) { s.serveDefault(stream, logger) })
	default:
		s.serveSession(conn, logger, func(session *mux.Session, stream net.Conn) {
			(&request{server: s, conn: conn, session: session, stream: stream, logger: logger}).serve()
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
		s.running.Go(func() { handle(session, stream) })
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
	local, err := endpoint.Dial()
	if err != nil {
		logger.Warn("a target cannot be reached", "target", endpoint, "error", err)
		tunnel.Abort(stream)
		return
	}
	tunnel.Serve(local, tunnel.AtTarget, stream, logger.With("target", endpoint.String()))
}
