package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// messageSize is the largest message that is sent, and that a peer is told to
// send. It shrinks at the end of a connection whose broker hung up on large ones.
func (e *Engine) messageSize() int { return e.link.PayloadLimit(e.topic) }

// newConn makes a Conn that is in no table yet: half-open at a listener, open at
// a dialer. theirMax is the peer's MaxMessageSize.
func (e *Engine) newConn(id [8]byte, o origin, incoming, outgoing [32]byte, theirMax int, now time.Time) *Conn {
	size := min(e.messageSize(), theirMax)
	c := &Conn{
		engine:    e,
		id:        id,
		topic:     handshake.Topic(e.config.TopicPrefix, o.peerInbox),
		origin:    o,
		maxPacket: size - overhead,
		sealer:    record.NewSealer(outgoing, o.peerID, e.mask, e.config.EpochBits),
		opener:    record.NewOpener(incoming, id, e.config.EpochBits),
		answered:  now,
	}
	if o.dialer {
		c.state = stateOpen
	}
	c.changed.L = &c.mu
	c.stream = stream.New(stream.Config{
		MaxPacket:     c.maxPacket,
		Overhead:      overhead,
		SendBudget:    e.send,
		ReceiveBudget: e.receive,
		Blocks:        e.blocks,
		Grant:         func(now time.Time) (uint64, uint64) { return e.active.grant(now, e.config.MaxMessageSize) },
	}, now)
	return c
}
