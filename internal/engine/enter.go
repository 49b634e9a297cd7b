package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/conn"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// agreed is what a handshake led to.
type agreed struct {
	id                 [8]byte
	origin             origin
	incoming, outgoing [32]byte      // traffic secrets
	maxMessageSize     int           // the peer's
	rtt                time.Duration // of the handshake; 0: not known
	keepAlive          time.Duration // see life.Config
}

// enter makes a Conn, puts it into the tables, together with its peer, and returns
// it; nil: the Engine is closed. A hello, which anybody with the key could have
// sent, does not show that a known peer lives.
func (e *Engine) enter(a agreed, now time.Time) *Conn {
	c := &Conn{engine: e, id: a.id, topic: a.origin.peerInbox.Topic(e.config.TopicPrefix, a.origin.peerLink), origin: a.origin, began: now}
	c.peer = e.join(a.origin.peerInbox, now)
	config := conn.Config{
		ID:        a.origin.logID,
		Name:      a.origin.name,
		Sealer:    record.NewSealer(a.outgoing, a.origin.peerID, c.peer.mask, e.config.epochBits),
		Opener:    record.NewOpener(a.incoming, a.id, e.config.epochBits),
		MaxPacket: min(e.messageSize(), a.maxMessageSize) - record.Overhead,
		PadSize:   e.config.PadSize,
		RTT:       a.rtt,
		Send:      e.send,
		Receive:   e.receive,
		Blocks:    e.blocks,
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
		PathUp: e.upSince, PathDown: e.downSince,
	}
	c.Conn = conn.New(config, (*host)(c), now)
	e.conns[c.id] = c
	return c
}

// host is a Conn's Engine as the conn.Conn inside sees it.
type host Conn

var _ conn.Host = (*host)(nil)

// Wake implements conn.Host.
func (h *host) Wake(p stream.Priority) {
	if h.engine.queue.schedule((*Conn)(h), p) {
		h.engine.link.Wake()
	}
}

// Proved implements conn.Host.
func (h *host) Proved() { h.origin.listener.accept((*Conn)(h)) }

// TimeWait implements conn.Host.
func (h *host) TimeWait() { h.engine.keepTimeWait((*Conn)(h)) }

// Forget implements conn.Host.
func (h *host) Forget() { h.engine.forget((*Conn)(h)) }

// Check implements conn.Host: a dialer asks whoever listens under the name, since a
// restarted process has another inbox, and a listener asks the dialer's inbox.
func (h *host) Check() {
	e := h.engine
	question := handshake.Check{Nonce: e.ask((*Conn)(h)), Reply: e.inbox, ID: h.origin.peerID, Instance: h.origin.peerInbox.ID}
	if h.origin.dialer {
		e.toName(e.name(h.origin.name), question)
	} else {
		e.toInbox(h.origin.peerInbox, h.origin.peerLink, question)
	}
}

// Checked implements conn.Host.
func (h *host) Checked() { h.engine.answered((*Conn)(h)) }
