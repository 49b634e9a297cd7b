package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// silentAfter is how long the Conn of a session must have waited for a sign of
// its peer before another session gets its ports. A peer that reconnects to the
// broker is silent for less, most of the time.
const silentAfter = 5 * time.Second

// ports are the ports that peers have opened here. A port that is asked for
// while another session holds it goes to the new one if that has the same key and
// the peer of the old one is silent: a peer that lost its power comes back as
// another session, and must not find its port taken by the one before. The old
// session loses this port and nothing else, and nobody waits for it to answer.
type ports struct {
	listen func(target.Port) (net.Listener, error)

	mu      sync.Mutex // guards all below
	holders map[target.Port]*holder
	failed  map[target.Port]string // why the last claim of a port failed; peers try again and again
}

// A holder is a session with a port.
type holder struct {
	conn     *mqtte2e.Conn // carries the session
	session  *mux.Session
	listener net.Listener
	probing  atomic.Bool // probe runs
}

func newPorts() *ports {
	return &ports{listen: target.Port.Listen, holders: make(map[target.Port]*holder), failed: make(map[target.Port]string)}
}

// claim opens the port for a session. Who is refused may ask again: by then it
// is known whether the holder's peer still answers.
func (p *ports) claim(address target.Port, conn *mqtte2e.Conn, session *mux.Session) (*holder, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.holders[address]; old != nil {
		silent := old.conn.Stats().Silent
		if silent == 0 && !old.probing.Swap(true) {
			go old.probe()
		}
		if silent < silentAfter || old.conn.Key() != conn.Key() {
			return nil, fmt.Errorf("the port %s is in use by %s", address, old.conn.RemoteAddr())
		}
		old.listener.Close()
		delete(p.holders, address)
	}
	listener, err := p.listen(address)
	if err != nil {
		return nil, err
	}
	h := &holder{conn: conn, session: session, listener: listener}
	p.holders[address] = h
	delete(p.failed, address)
	return h, nil
}

// probe sends the holder's peer something that it must acknowledge, a stream
// that is reset at once, so that Stats soon tell whether it is there.
func (h *holder) probe() {
	defer h.probing.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), silentAfter)
	defer cancel()
	if stream, err := h.session.Open(ctx); err == nil {
		tunnel.Abort(stream)
	}
}

// isNews takes note that a claim failed, and tells whether the one before it did
// not, or for another reason.
func (p *ports) isNews(address target.Port, reason error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	news := p.failed[address] != reason.Error()
	p.failed[address] = reason.Error()
	return news
}

// release closes the port if h still holds it.
func (p *ports) release(address target.Port, h *holder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holders[address] == h {
		delete(p.holders, address)
		h.listener.Close()
	}
}

// openPort opens a port for the peer, for as long as the stream is open.
func (r *request) openPort(text string) {
	address, err := r.policy().RemotePort(text)
	if err != nil {
		r.refuse(tunnel.Refused, err)
		return
	}
	holder, err := r.server.ports.claim(address, r.conn, r.session)
	if err != nil {
		if r.server.ports.isNews(address, err) {
			r.logger.Warn("a port cannot be opened for a peer", "reason", err)
		}
		r.answer(tunnel.Unreachable, err)
		return
	}
	opened := holder.listener.Addr().String()
	r.logger.Info("opened a port for a peer", "address", opened)
	if r.reply(tunnel.Reply{Text: opened}) {
		r.server.running.Go(func() { r.acceptAll(holder, text) })
		// The peer sends nothing: this ends when the peer or its session does.
		io.Copy(io.Discard, r.stream)
		r.stream.Close()
	}
	r.server.ports.release(address, holder)
	r.logger.Info("closed the port of a peer", "address", opened)
}

// acceptAll passes the connections that come in at a port on to its peer, until
// the port is closed, which ends the request too if another session got it.
func (r *request) acceptAll(h *holder, port string) {
	tunnel.AcceptAll(h.listener, func(conn net.Conn) {
		r.server.running.Go(func() { r.arrival(conn, port) })
	})
	r.stream.Close()
}

func (r *request) arrival(conn net.Conn, port string) {
	ctx, cancel := context.WithTimeout(context.Background(), tunnel.ArrivalTimeout)
	defer cancel()
	stream, err := tunnel.OpenStream(ctx, r.session, tunnel.Request{Kind: tunnel.Arrival, Text: port})
	if err != nil {
		r.logger.Warn("a connection to a peer's port failed", "port", port, "error", ui.Brief(err))
		tunnel.Abort(conn)
		return
	}
	tunnel.Serve(conn, tunnel.AtClient, stream, r.logger.With("port", port, "from", conn.RemoteAddr().String()))
}
