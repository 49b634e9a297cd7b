package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/conn"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// overhead is what sealing adds to a plaintext, bytes.
const overhead = record.Overhead

// A Conn is a connection in the tables of its Engine, with what that alone has to
// know of it.
type Conn struct {
	*conn.Conn
	engine *Engine
	id     [8]byte // chosen by us, on what we receive
	topic  string  // the peer's inbox
	origin origin
	peer   *peer
	warned atomic.Bool // of a second listener

	question         [8]byte // nonce of the CHECK that is not answered; zero: there is none; guarded by Engine.mu
	inUrgent, inData bool    // guarded by queue.mu
	use              use     // owned by the reader goroutine; see activity
}

// origin is how a Conn came about.
type origin struct {
	name      string
	protocol  string
	dialer    bool
	logID     [4]byte
	peerID    [8]byte  // chosen by the peer, on what we send
	peerInbox [16]byte // identifies the peer's process
	digest    [32]byte // of the Noise message that this end received
	listener  *Listener
	answer    handshake.Answer // what a repeated hello gets, while half-open
}

// Name is the listener's name, Protocol what the stream is for, and Dialer tells
// which end this is.
func (c *Conn) Name() string     { return c.origin.name }
func (c *Conn) Protocol() string { return c.origin.protocol }
func (c *Conn) Dialer() bool     { return c.origin.dialer }

// Reconnects returns how often the link of the Conn's Engine was made again.
func (c *Conn) Reconnects() uint64 { return c.engine.link.Stats().Reconnects }

type keepAliveKey struct{}

// WithKeepAlive returns a context for Dial whose Conn asks a silent peer for a sign
// of life after so long, if others ask later, so that SilentSince soon knows of an
// outage while the Conn is idle too. When the Conn gives up does not change.
func WithKeepAlive(ctx context.Context, after time.Duration) context.Context {
	return context.WithValue(ctx, keepAliveKey{}, after)
}

func keepAlive(ctx context.Context) time.Duration {
	after, _ := ctx.Value(keepAliveKey{}).(time.Duration)
	return after
}

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
	c := &Conn{engine: e, id: a.id, topic: handshake.Topic(e.config.TopicPrefix, a.origin.peerInbox), origin: a.origin}
	config := conn.Config{
		ID:        a.origin.logID,
		Name:      a.origin.name,
		Sealer:    record.NewSealer(a.outgoing, a.origin.peerID, e.mask, e.config.EpochBits),
		Opener:    record.NewOpener(a.incoming, a.id, e.config.EpochBits),
		MaxPacket: min(e.messageSize(), a.maxMessageSize) - overhead,
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
		return nil
	}
	c.peer = e.join(a.origin.peerInbox, now)
	config.Peer = c.peer.Peer
	config.Life = life.Config{
		PeerTimeout: e.config.PeerTimeout, KeepAlive: a.keepAlive, Dialer: a.origin.dialer,
		PathUp: e.upSince, PathDown: e.downSince,
	}
	c.Conn = conn.New(config, (*host)(c), now)
	e.conns[c.id] = c
	return c
}

// grant is what a Conn's peer may have in flight towards our inbox.
func (e *Engine) grant(now time.Time) (messages, bytes uint64) {
	return e.active.grant(now, e.config.MaxMessageSize)
}

// messageSize is the largest message that is sent, and that a peer is told to
// send. It shrinks at the end of a connection whose broker hung up on large ones.
func (e *Engine) messageSize() int { return e.link.PayloadLimit(e.topic) }

// receive takes in a packet that carries the Conn's id.
func (c *Conn) receive(packet []byte, now time.Time) {
	received := c.Conn.Receive(packet, now)
	if received.Acknowledged > 0 {
		c.engine.allowance.arrived(received.Acknowledged, now)
	}
	if received.Data {
		c.engine.active.mark(now, &c.use, len(packet))
	}
}

// fill adds the Conn's next packet to the batch and returns its size; 0: it had none.
func (c *Conn) fill(batch *link.Batch, now time.Time) int {
	size := c.Conn.Fill(batch.Publish(c.topic), now)
	batch.Commit(size)
	return size
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
	question := handshake.Check{Nonce: e.ask((*Conn)(h)), Reply: e.inbox, ID: h.origin.peerID, Instance: h.origin.peerInbox}
	if h.origin.dialer {
		e.toName(e.name(h.origin.name), question)
	} else {
		e.toInbox(h.origin.peerInbox, question)
	}
}

// Checked implements conn.Host.
func (h *host) Checked() { h.engine.answered((*Conn)(h)) }
