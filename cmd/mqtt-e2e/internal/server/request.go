package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// maxSpeedtest bounds one direction of a measurement (TUNNEL.md, "Requests").
const maxSpeedtest = time.Minute

// A request is one stream of a peer that speaks mqtt-e2e/1.
type request struct {
	server  *Server
	key     mqtte2e.Key   // of the peer
	conn    *mqtte2e.Conn // carries the session
	session *mux.Session
	stream  net.Conn
	logger  *slog.Logger
}

func (r *request) serve() {
	header, err := tunnel.AcceptRequest(r.stream)
	if err != nil {
		r.logger.Debug("a stream without a request", "error", err)
		return
	}
	policy := r.policy()
	switch header.Kind {
	case tunnel.Service:
		r.connect(policy.Service(header.Text))
	case tunnel.Target:
		r.connect(policy.Target(header.Text))
	case tunnel.Open:
		r.openPort(header.Text)
	case tunnel.Download, tunnel.Upload:
		r.measure(header.Kind)
	default:
		r.refuse(tunnel.Unknown, tunnel.UnknownKind(header.Kind))
	}
}

// policy says what the peer may reach at this moment.
func (r *request) policy() *target.Policy {
	peer := r.server.peer(r.key)
	return &peer.Policy
}

// refuse tells the peer and the log why there will be nothing.
func (r *request) refuse(code tunnel.Code, reason error) {
	text := "refused"
	if code == tunnel.Unreachable {
		text = "a peer's request failed"
	}
	r.logger.Warn(text, "reason", reason)
	r.answer(code, reason)
}

// answer tells the peer why there will be nothing.
func (r *request) answer(code tunnel.Code, reason error) {
	r.reply(tunnel.Reply{Code: code, Text: reason.Error()})
	r.stream.Close()
}

// reply reports whether the stream still works.
func (r *request) reply(reply tunnel.Reply) bool {
	if err := reply.Write(r.stream); err != nil {
		tunnel.Abort(r.stream)
		return false
	}
	return true
}

// connect joins the stream with a target that the policy has looked up.
func (r *request) connect(endpoint target.Endpoint, err error) {
	if err != nil {
		r.refuse(tunnel.Refused, err)
		return
	}
	local, err := endpoint.Dial()
	switch {
	case errors.Is(err, target.ErrNotAllowed):
		r.refuse(tunnel.Refused, err)
		return
	case err != nil:
		r.refuse(tunnel.Unreachable, err)
		return
	}
	if !r.reply(tunnel.Reply{}) {
		tunnel.Abort(local)
		return
	}
	tunnel.Serve(local, tunnel.AtTarget, r.stream, r.logger.With("target", endpoint.String()))
}

// measure is one direction of a measurement of the throughput.
func (r *request) measure(kind tunnel.Kind) {
	if !r.server.speedtest {
		r.refuse(tunnel.Refused, fmt.Errorf("measurements are %w: start it again with --allow-speedtest", target.ErrNotAllowed))
		return
	}
	if !r.reply(tunnel.Reply{}) {
		return
	}
	defer r.stream.Close()
	start := time.Now()
	r.stream.SetDeadline(start.Add(maxSpeedtest))
	if kind == tunnel.Download {
		n, err := io.Copy(r.stream, zeros{})
		if ui.WantsNoMore(err) {
			err = nil // the peer has measured enough (TUNNEL.md, "Requests")
		}
		r.record("speedtest download", start, 0, n, err)
		return
	}
	n, err := io.Copy(io.Discard, r.stream)
	if err == nil {
		_, err = r.stream.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	r.record("speedtest upload", start, n, 0, err)
}

func (r *request) record(target string, start time.Time, fromPeer, toPeer int64, err error) {
	tunnel.Record(r.logger.With("target", target), start, fromPeer, toPeer, ui.StreamEnd(err, "the listener"))
}

// zeros is an endless stream of zeros.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
