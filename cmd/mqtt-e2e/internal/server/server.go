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
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// recordTimeout is how long Wait waits. Streams whose Conn is closed end at once,
// but for those of which only the direction from a silent target is left.
const recordTimeout = time.Second

// A Peer is whom a Conn is with, and what it may reach.
type Peer struct {
	Name   string // for the record
	Policy target.Policy
}

// A Server serves the Conns of any number of Listeners.
type Server struct {
	peer      func(mqtte2e.Key) Peer
	speedtest bool
	logger    *slog.Logger
	limits    *mux.Limits
	status    *ui.Status // of limits
	ports     *ports
	running   sync.WaitGroup // of Conns, and of the streams in them
}

// New returns a Server. peer is asked at each stream with whom a Conn under a key
// is. speedtest says whether peers may measure the throughput.
func New(peer func(mqtte2e.Key) Peer, speedtest bool, logger *slog.Logger) *Server {
	return &Server{peer: peer, speedtest: speedtest, logger: logger, limits: new(mux.Limits), status: ui.NewStatus(logger), ports: newPorts()}
}

// Protocols lists what a Server speaks. Streams that cannot name a target are of use
// only where some peer has a default.
func Protocols(hasDefault bool) []string {
	if !hasDefault {
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
	key := conn.Key()
	name := s.peer(key).Name
	logger := s.logger.With("peer", name, "conn", conn.RemoteAddr().String())
	var err error
	switch conn.Protocol() {
	case "":
		err = s.servePlain(conn, logger)
	case tunnel.MuxProtocol:
		err = s.serveSession(conn, logger, func(_ *mux.Session, stream net.Conn) { s.serveDefault(key, stream, logger) })
	default:
		err = s.serveSession(conn, logger, func(session *mux.Session, stream net.Conn) {
			(&request{server: s, key: key, conn: conn, session: session, stream: stream, logger: logger}).serve()
		})
	}
	if err != nil {
		s.status.Warn("refused a peer, which has as many sessions or streams as it may: see --max-sessions and --max-streams", "peer", name)
	}
}

// servePlain joins a Conn that is a stream itself.
func (s *Server) servePlain(conn *mqtte2e.Conn, logger *slog.Logger) error {
	release, err := s.limits.Plain(conn)
	if err != nil {
		tunnel.Abort(conn)
		return err
	}
	defer release()
	s.serveDefault(conn.Key(), conn, logger)
	return nil
}

// serveSession calls handle for each stream that the peer opens. It fails if there
// may be no session.
func (s *Server) serveSession(conn net.Conn, logger *slog.Logger, handle func(*mux.Session, net.Conn)) error {
	session, err := s.limits.Server(conn)
	if err != nil {
		return err
	}
	for {
		stream, err := session.Accept()
		if err != nil {
			logger.Debug("a peer left", "reason", ui.SessionEnd(err))
			return nil
		}
		s.running.Go(func() { handle(session, stream) })
	}
}

// serveDefault joins a stream that cannot name a target with the default of the peer
// that has the key.
func (s *Server) serveDefault(key mqtte2e.Key, stream net.Conn, logger *slog.Logger) {
	policy := s.peer(key).Policy
	endpoint, err := policy.Service("")
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
