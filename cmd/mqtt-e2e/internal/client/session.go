package client

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// A session carries streams of mqtt-e2e/1 to one listener.
type session struct {
	conn    *mqtte2e.Conn // below mux
	mux     *mux.Session
	remotes []target.Remote
	logger  *slog.Logger

	ctx context.Context // ends with the session
}

// newSession makes a session of conn, serves what the listener opens in it and
// asks for its remotes.
func newSession(conn *mqtte2e.Conn, remotes []target.Remote, logger *slog.Logger) (*session, error) {
	m, err := mux.Client(conn)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{conn: conn, mux: m, remotes: remotes, logger: logger, ctx: ctx}
	go func() {
		defer cancel()
		s.acceptAll()
	}()
	for _, remote := range remotes {
		go s.keepRemote(remote)
	}
	return s, nil
}

func (s *session) isDone() bool { return s.ctx.Err() != nil }

// open opens a stream and returns it when the listener has reached what request
// names.
func (s *session) open(ctx context.Context, request tunnel.Request) (net.Conn, error) {
	stream, err := s.mux.Open(ctx)
	if err != nil {
		return nil, failure(ctx, err)
	}
	// A deadline in the past wakes the stream's Read and Write.
	stop := context.AfterFunc(ctx, func() { stream.SetDeadline(time.Unix(1, 0)) })
	reply, err := ask(stream, request)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		tunnel.Abort(stream)
		return nil, failure(ctx, err)
	}
	if err := reply.Err(); err != nil {
		stream.Close()
		return nil, err
	}
	return stream, nil
}

// ask sends a request and waits for its reply.
func ask(stream net.Conn, request tunnel.Request) (tunnel.Reply, error) {
	if err := request.Write(stream); err != nil {
		return tunnel.Reply{}, err
	}
	return tunnel.ReadReply(stream)
}

// acceptAll serves the streams that the listener opens, until the session ends.
func (s *session) acceptAll() {
	for {
		stream, err := s.mux.Accept()
		if err != nil {
			s.logger.Debug("the session ended", "reason", err)
			return
		}
		go s.serve(stream)
	}
}
