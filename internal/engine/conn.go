package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/conn"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// A Conn is a connection in the tables of its Engine, with what that alone has to
// know of it.
type Conn struct {
	*conn.Conn
	engine *Engine
	id     [8]byte // chosen by us, on what we receive
	origin origin
	peer   *peer
	warned atomic.Bool // of a second listener
	began  time.Time   // when the handshake was answered

	repeats int // of the hello, answered again; guarded by Engine.handshaking

	question [8]byte // nonce of the CHECK that is not answered; zero: there is none; guarded by Engine.mu
	seats    []seat  // one for each link; guarded by its queue.mu
	use      use     // guarded by activity.mu
}

// origin is how a Conn came about.
type origin struct {
	name      string
	protocol  string
	dialer    bool
	logID     [4]byte
	key       [16]byte // it was made under
	peerID    [8]byte  // chosen by the peer, on what we send
	peerInbox handshake.Inbox
	tokenHash [16]byte // of what GONE has to carry
	digest    [32]byte // SHA-256 of the HELLO, or of the Noise message in the ANSWER, that made it
	listener  *Listener
	answer    handshake.Answer // what a repeated hello gets, while half-open; guarded by Listener.mu from then on
}

// Name is the listener's name, Protocol what the stream is for, and Dialer tells
// which end this is.
func (c *Conn) Name() string     { return c.origin.name }
func (c *Conn) Protocol() string { return c.origin.protocol }
func (c *Conn) Dialer() bool     { return c.origin.dialer }

// Key is what the Conn was made under.
func (c *Conn) Key() [16]byte { return c.origin.key }

// Format implements fmt.Formatter: there is a key inside.
func (c *Conn) Format(state fmt.State, verb rune) { c.Conn.Format(state, verb) }

// Reconnects returns how often a link of the Conn's Engine was made again.
func (c *Conn) Reconnects() uint64 { return c.engine.Stats().Reconnects }

// receive takes in a packet that carries the Conn's id. What it acknowledges went over the link that it came by,
// but for a moment after a move.
func (c *Conn) receive(u *uplink, packet []byte, now time.Time) {
	received := c.Conn.Receive(u.number, packet, now)
	if received.Packets > 0 {
		u.allowance.arrived(received.Packets, received.Acknowledged, now)
	}
	if received.Data {
		c.engine.active.mark(now, &c.use, len(packet))
	}
}

// fill adds the Conn's next packet for a link to the batch and returns its size; 0: it had none.
func (c *Conn) fill(u *uplink, batch *link.Batch, now time.Time) int {
	p, ok := c.Outbound(u.number)
	if !ok {
		return 0
	}
	size := c.Conn.Fill(p, batch.Publish(c.peer.topics[p.Peer()]), now)
	batch.Commit(size)
	return size
}
