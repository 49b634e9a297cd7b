package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/conn"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// agreed is what a handshake led to.
type agreed struct {
	id                 [8]byte
	origin             origin
	incoming, outgoing [32]byte      // traffic secrets
	path               path.ID       // that it came by
	links              uint8         // of the peer
	maxMessageSize     int           // the peer's
	rtt                time.Duration // of the handshake; 0: not known
	keepAlive          time.Duration // see life.Config
}

// enter makes a Conn, puts it into the tables, together with its peer, and returns
// it; nil: the Engine is closed. A hello, which anybody with the key could have
// sent, does not show that a known peer lives.
func (e *Engine) enter(a agreed, now time.Time) *Conn {
	c := &Conn{engine: e, id: a.id, origin: a.origin, began: now, seats: make([]seat, len(e.uplinks))}
	peer, ensemble := e.join(process{a.origin.peerInbox, a.links}, a.origin.key, now)
	c.peer = peer
	config := conn.Config{
		ID:        a.origin.logID,
		Name:      a.origin.name,
		Sealer:    record.NewSealer(a.outgoing, a.origin.peerID, c.peer.mask, e.config.epochBits),
		Opener:    record.NewOpener(a.incoming, a.id, e.config.epochBits),
		Paths:     c.peer.paths,
		Path:      a.path,
		MaxPacket: min(e.config.MaxMessageSize, a.maxMessageSize) - record.Overhead,
		PadSize:   e.config.PadSize,
		RTT:       a.rtt,
		Send:      e.send,
		Receive:   e.receive,
		Blocks:    e.blocks,
		Ensemble:  ensemble,
		Grant:     e.grant,
		Logger:    e.config.Logger,
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		e.leave(c.peer)
		return nil
	}
	config.Life = life.Config{
		Peer: c.peer.Peer, PeerTimeout: e.config.PeerTimeout, KeepAlive: a.keepAlive, Dialer: a.origin.dialer,
		PathUp: e.links.Since(a.path.Own()), PathDown: e.uplinks[a.path.Own()].downSince,
	}
	c.Conn = conn.New(config, (*host)(c), now)
	e.conns[c.id] = c
	return c
}

// host is a Conn's Engine as the conn.Conn inside sees it.
type host Conn

var _ conn.Host = (*host)(nil)

// Wake implements conn.Host.
func (h *host) Wake(own uint8, p stream.Priority) {
	if !h.engine.links.IsUp(own) {
		return // which lets all Conns look again when it is
	}
	if u := h.engine.uplinks[own]; u.queue.schedule((*Conn)(h), p) {
		u.link.Wake()
	}
}

// Limit implements conn.Host.
func (h *host) Limit(own uint8) int { return h.engine.uplinks[own].messageSize() }

// Counts implements conn.Host.
func (h *host) Counts(own uint8) bool { return h.engine.uplinks[own].allowance.on.Load() }

// Moved implements conn.Host.
func (h *host) Moved(from, to path.ID, reason string) {
	e := h.engine
	if from.Own() == to.Own() {
		e.config.Logger.Debug("the other end goes on by another node of our broker", "conn", h.LogName(), "path", to.String(), "reason", reason)
		return
	}
	e.config.Logger.Info("a connection goes on by another broker", "conn", h.LogName(), "name", h.origin.name,
		"from", e.uplinks[from.Own()].broker.Host, "to", e.uplinks[to.Own()].broker.Host, "reason", reason)
}

// Proved implements conn.Host.
func (h *host) Proved() { h.origin.listener.accept((*Conn)(h)) }

// TimeWait implements conn.Host.
func (h *host) TimeWait() { h.engine.keepTimeWait((*Conn)(h)) }

// Forget implements conn.Host.
func (h *host) Forget() { h.engine.forget((*Conn)(h)) }

// Check implements conn.Host: a dialer asks whoever listens under the name, since a
// restarted process has another inbox, and a listener asks the dialer's inbox.
func (h *host) Check(paths path.Mask) {
	e := h.engine
	nonce := e.ask((*Conn)(h))
	question := func(link uint8) handshake.Message {
		return handshake.Check{Nonce: nonce, Reply: e.inbox, Link: link, ID: h.origin.peerID, Instance: h.origin.peerInbox.ID}
	}
	if h.origin.dialer {
		e.toName(e.name(h.origin.name), question)
	} else {
		e.toProcess(h.peer.inbox, paths, question)
	}
}

// Checked implements conn.Host.
func (h *host) Checked() { h.engine.answered((*Conn)(h)) }
