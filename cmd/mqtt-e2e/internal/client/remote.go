package client

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// keepRemote keeps one port open at the listener for as long as the session
// lives. A listener that does not allow it is not asked twice: only one that was
// started anew, which ends the session, may say something else.
func (s *session) keepRemote(remote target.Remote) {
	status := ui.NewStatus(s.logger.With("remote", remote.Bind.String()))
	var wait pause
	for {
		err := s.holdRemote(remote, status)
		if s.isDone() {
			return
		}
		var refusal *tunnel.Error
		switch {
		case !errors.As(err, &refusal):
			status.Warn("the other side does not open a port: " + ui.Brief(err) + "; trying again")
		case refusal.Reply.Code != tunnel.Unreachable:
			status.Warn("the other side does not open a port: " + refusal.Reply.Text)
			return
		default:
			status.Warn("the other side does not open a port: " + refusal.Reply.Text + "; trying again")
		}
		wait.Wait(s.ctx)
	}
}

// holdRemote asks for a port and returns when it is closed.
func (s *session) holdRemote(remote target.Remote, status *ui.Status) error {
	ctx, cancel := context.WithTimeout(s.ctx, AttemptTimeout)
	defer cancel()
	stream, err := s.open(ctx, tunnel.Request{Kind: tunnel.Open, Text: remote.Bind.String()})
	if err != nil {
		return err
	}
	defer stream.Close()
	status.Info("the other side opened the port", "target", remote.Target)
	if _, err = io.Copy(io.Discard, stream); err == nil {
		err = errors.New("it was closed again")
	}
	return err
}

// serve handles a stream that the listener opened.
func (s *session) serve(stream net.Conn) {
	request, err := tunnel.AcceptRequest(stream)
	if err != nil {
		return
	}
	if request.Kind != tunnel.Arrival {
		tunnel.Reply{Code: tunnel.Unknown, Text: tunnel.UnknownKind(request.Kind).Error()}.Write(stream)
		stream.Close()
		return
	}
	s.arrival(stream, request.Text)
}

// arrival joins a connection that came in at a port of ours on the other side
// with its target here. Only ports that were asked for have one: the other side
// cannot name targets here.
func (s *session) arrival(stream net.Conn, port string) {
	logger := s.logger.With("remote", port)
	refuse := func(code tunnel.Code, reason string) {
		logger.Warn("a connection from the other side failed", "reason", reason)
		tunnel.Reply{Code: code, Text: reason}.Write(stream)
		stream.Close()
	}
	to := s.target(port)
	if to == nil {
		refuse(tunnel.Refused, "nobody asked for the port "+port)
		return
	}
	local, err := to.Dial()
	if err != nil {
		refuse(tunnel.Unreachable, err.Error())
		return
	}
	if err := (tunnel.Reply{}).Write(stream); err != nil {
		tunnel.Abort(local)
		tunnel.Abort(stream)
		return
	}
	tunnel.Serve(local, tunnel.AtTarget, stream, logger.With("peer", s.peer.String(), "target", to.String()))
}

// target returns where the connections to a port of the other side go, nil if it
// is none of ours.
func (s *session) target(port string) *target.Endpoint {
	for _, remote := range s.remotes {
		if remote.Bind.String() == port {
			return &remote.Target
		}
	}
	return nil
}
