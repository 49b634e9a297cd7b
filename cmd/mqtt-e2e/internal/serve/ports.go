package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/bind"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/relay"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/words"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// aliveTimeout is how long the holder of a port may take to say that it lives,
// when another peer asks for the port.
const aliveTimeout = 5 * time.Second

// ports are the ports that peers have opened here. A port that is asked for
// while another session holds it goes to the new one if the old one does not
// answer: a peer that lost its power comes back as another session, and must
// not find its port taken by its own ghost.
type ports struct {
	turn chan struct{} // holds a token while a port changes hands

	mu      sync.Mutex // guards all below
	holders map[bind.Address]*holder
	failed  map[bind.Address]string // why the last claim of a port failed; peers try again and again
}

// A holder is a session with a port.
type holder struct {
	session  *mux.Session
	peer     net.Addr
	listener net.Listener
}

func newPorts() *ports {
	return &ports{turn: make(chan struct{}, 1), holders: make(map[bind.Address]*holder), failed: make(map[bind.Address]string)}
}

// claim opens the port for a session.
func (p *ports) claim(address bind.Address, session *mux.Session, peer net.Addr) (*holder, error) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.mu.Lock()
	old := p.holders[address]
	p.mu.Unlock()
	if old != nil {
		if old.session == session || old.alive() {
			return nil, fmt.Errorf("the port %s is in use by %s", address, old.peer)
		}
		p.release(address, old)
		old.session.Close()
	}
	listener, err := address.Listen()
	if err != nil {
		return nil, err
	}
	h := &holder{session: session, peer: peer, listener: listener}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holders[address] = h
	delete(p.failed, address)
	return h, nil
}

// isNews takes note that a claim failed, and tells whether the one before it did
// not, or for another reason.
func (p *ports) isNews(address bind.Address, reason error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	news := p.failed[address] != reason.Error()
	p.failed[address] = reason.Error()
	return news
}

// release closes the port if h still holds it.
func (p *ports) release(address bind.Address, h *holder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holders[address] == h {
		delete(p.holders, address)
		h.listener.Close()
	}
}

// alive asks the holder's peer.
func (h *holder) alive() bool {
	ctx, cancel := context.WithTimeout(context.Background(), aliveTimeout)
	defer cancel()
	stream, err := h.session.Open(ctx)
	if err != nil {
		return false
	}
	defer stream.Close()
	stream.SetDeadline(time.Now().Add(aliveTimeout))
	_, err = exchange(stream, tunnel.Request{Kind: tunnel.Alive})
	return err == nil
}

// exchange sends a request and waits for its reply.
func exchange(stream net.Conn, request tunnel.Request) (tunnel.Reply, error) {
	if err := request.Write(stream); err != nil {
		return tunnel.Reply{}, err
	}
	return tunnel.ReadReply(stream)
}

// openPort opens a port for the peer, for as long as the stream is open.
func (r *request) openPort(text string) {
	address, err := r.server.policy.RemotePort(text)
	if err != nil {
		r.refuse(tunnel.Refused, err)
		return
	}
	holder, err := r.server.ports.claim(address, r.session, r.peer)
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
		go r.acceptAll(holder, text)
		// The peer sends nothing: this ends when the peer or its session does.
		io.Copy(io.Discard, r.stream)
		r.stream.Close()
	}
	r.server.ports.release(address, holder)
	r.logger.Info("closed the port of a peer", "address", opened)
}

// acceptAll passes the connections that come in at a port on to its peer.
func (r *request) acceptAll(h *holder, port string) {
	for {
		conn, err := h.listener.Accept()
		switch {
		case err == nil:
			go r.arrival(conn, port)
		case errors.Is(err, net.ErrClosed):
			// Ends the request too if another session took the port.
			r.stream.Close()
			return
		default:
			// Out of descriptors, for one: the next try may find some.
			time.Sleep(acceptPause)
		}
	}
}

// acceptPause is waited after an Accept that failed, before the next one.
const acceptPause = 50 * time.Millisecond

func (r *request) arrival(conn net.Conn, port string) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	stream, err := r.session.Open(ctx)
	if err != nil {
		relay.Abort(conn)
		return
	}
	stream.SetDeadline(time.Now().Add(2 * dialTimeout))
	reply, err := exchange(stream, tunnel.Request{Kind: tunnel.Arrival, Text: port})
	if err == nil {
		err = reply.Err()
	}
	if err != nil {
		r.logger.Warn("a connection to a peer's port failed", "port", port, "error", words.Brief(err))
		relay.Abort(conn)
		relay.Abort(stream)
		return
	}
	stream.SetDeadline(time.Time{})
	r.server.join(conn, aClient, stream, r.logger.With("port", port, "from", conn.RemoteAddr().String()))
}
