package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

const (
	// openTimeout bounds the listener's answer to a request for a port.
	openTimeout = 20 * time.Second

	// headerTimeout bounds how long the listener takes to say what a stream
	// is for, which it does in its first packet.
	headerTimeout = 10 * time.Second

	// dialTimeout bounds the connection to a target on this side.
	dialTimeout = 10 * time.Second
)

// keepRemote keeps one port open at the listener for as long as the session
// lives. A listener that does not allow it is not asked twice: only one that was
// started anew, which ends the session, may say something else.
func (s *session) keepRemote(remote target.Remote) {
	status := ui.NewStatus(s.logger.With("remote", remote.Bind.String()))
	var pause Pause
	for !s.isDone() {
		err := s.holdRemote(remote, status)
		var refusal *tunnel.Error
		switch {
		case s.isDone():
		case errors.As(err, &refusal) && refusal.Reply.Code != tunnel.Unreachable:
			status.Warn("the other side does not open a port: " + refusal.Reply.Text)
			return
		case refusal != nil:
			status.Warn("the other side does not open a port: " + refusal.Reply.Text + "; trying again")
		case err != nil:
			status.Warn("the other side does not open a port: " + ui.Brief(err) + "; trying again")
		}
		pause.Wait(s.ctx)
	}
}

// holdRemote asks for a port and returns when it is closed.
func (s *session) holdRemote(remote target.Remote, status *ui.Status) error {
	ctx, cancel := context.WithTimeout(s.ctx, openTimeout)
	defer cancel()
	stream, err := s.open(ctx, tunnel.Request{Kind: tunnel.Open, Text: remote.Bind.String()})
	if err != nil {
		return err
	}
	defer stream.Close()
	status.Info("the other side opened the port", "target", remote.Target)
	_, err = io.Copy(io.Discard, stream)
	if err == nil {
		err = errors.New("it was closed again")
	}
	return err
}

// serve handles a stream that the listener opened.
func (s *session) serve(stream net.Conn) {
	stream.SetDeadline(time.Now().Add(headerTimeout))
	request, err := tunnel.ReadRequest(stream)
	if err != nil {
		tunnel.Abort(stream)
		return
	}
	stream.SetDeadline(time.Time{})
	switch request.Kind {
	case tunnel.Arrival:
		s.arrival(stream, request.Text)
	default:
		tunnel.Reply{Code: tunnel.Unknown, Text: fmt.Sprintf("a request of kind %d is unknown here", request.Kind)}.Write(stream)
		stream.Close()
	}
}

// arrival joins a connection that came in at a port of ours on the far side
// with its target here.
func (s *session) arrival(stream net.Conn, port string) {
	local, reply := s.dialArrival(port)
	logger := s.logger.With("remote", port)
	if reply.Code != tunnel.OK {
		logger.Warn("a connection from the other side failed", "reason", reply.Text)
		reply.Write(stream)
		stream.Close()
		return
	}
	if err := reply.Write(stream); err != nil {
		tunnel.Abort(local)
		tunnel.Abort(stream)
		return
	}
	tunnel.Serve(local, "the target", stream, logger.With("peer", s.conn.RemoteAddr().String(), "target", s.target(port)))
}

// dialArrival connects to the target of a port. Only ports that were asked for
// have one: the far side cannot name targets here.
func (s *session) dialArrival(port string) (net.Conn, tunnel.Reply) {
	target := s.target(port)
	if target == "" {
		return nil, tunnel.Reply{Code: tunnel.Refused, Text: "nobody asked for the port " + port}
	}
	local, err := net.DialTimeout("tcp", target, dialTimeout)
	if err != nil {
		return nil, tunnel.Reply{Code: tunnel.Unreachable, Text: fmt.Sprintf("the target %s cannot be reached: %s: check that something listens there", target, ui.Reason(err))}
	}
	return local, tunnel.Reply{}
}

// target returns where the connections to a port of the far side go, "" if it
// is none of ours.
func (s *session) target(port string) string {
	for _, remote := range s.remotes {
		if remote.Bind.String() == port {
			return remote.Target.String()
		}
	}
	return ""
}
