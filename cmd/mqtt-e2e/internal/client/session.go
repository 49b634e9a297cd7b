package client

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// A session carries streams of mqtt-e2e/1 to one listener.
type session struct {
	mux     *mux.Session
	peer    net.Addr
	remotes []target.Remote
	logger  *slog.Logger

	ctx context.Context // ends with the session, and its error
}

// newSession makes a session of conn, serves what the listener opens in it and
// asks for its remotes.
func newSession(conn *mqtte2e.Conn, remotes []target.Remote, logger *slog.Logger) (*session, error) {
	m, err := mux.Client(conn)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &session{mux: m, peer: conn.RemoteAddr(), remotes: remotes, logger: logger, ctx: ctx}
	go func() {
		cancel(s.acceptAll())
	}()
	for _, remote := range remotes {
		go s.keepRemote(remote)
	}
	return s, nil
}

func (s *session) isDone() bool { return s.ctx.Err() != nil }

// open opens a stream and returns it when the listener has done what request
// asks for.
func (s *session) open(ctx context.Context, request tunnel.Request) (net.Conn, error) {
	stream, err := tunnel.OpenStream(ctx, s.mux, request)
	var refused *tunnel.Error
	if err == nil || errors.As(err, &refused) {
		return stream, err
	}
	return nil, s.failure(ctx, err)
}

// acceptAll serves the streams that the listener opens, until the session ends.
func (s *session) acceptAll() error {
	for {
		stream, err := s.mux.Accept()
		if err != nil {
			s.logger.Debug("the session ended", "reason", ui.SessionEnd(err))
			return err
		}
		go s.serve(stream)
	}
}
