package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// headerSize is where a packet's plaintext begins (SPEC.md, "Packets").
const headerSize = record.Overhead - 16

// overhead is what sealing adds to a plaintext.
const overhead = record.Overhead

// Fill implements link.Source. It runs on the writer goroutine, which owns the
// batch and every Conn's Sealer.
func (e *Engine) Fill(batch *link.Batch, now time.Time) {
	if e.chores.Swap(false) {
		e.resumeNext(now)
		e.thinGraves()
	}
	e.fillEnvelopes(batch)
	for !batch.Full() {
		c := e.queue.nextConn()
		if c == nil {
			return
		}
		if n := c.fill(batch, now); n > 0 {
			e.noteSize(n, now)
		}
	}
}

// fillEnvelopes adds all handshake messages of our own, and a few replies.
func (e *Engine) fillEnvelopes(batch *link.Batch) {
	replies := 0
	for !batch.Full() {
		m, ok := e.queue.nextEnvelope()
		if !ok && replies < repliesPerBatch {
			replies++
			m, ok = e.queue.nextReply()
		}
		if !ok {
			return
		}
		batch.Commit(copy(batch.Publish(m.topic), m.payload))
	}
}

// fill adds c's next packet to the batch and returns its size; 0: it had none.
func (c *Conn) fill(batch *link.Batch, now time.Time) int {
	room := batch.Publish(c.topic)
	size := c.buildPacket(room, now)
	batch.Commit(size)
	return size
}

// buildPacket lets the stream write the plaintext straight to where it is
// sealed in place, and where the socket takes it from.
func (c *Conn) buildPacket(room []byte, now time.Time) int {
	c.mu.Lock()
	if c.state == stateRemoved {
		c.mu.Unlock()
		return 0
	}
	if number, ok := c.stream.LargestAcknowledged(); ok {
		c.sealer.Acknowledged(number)
	}
	n := c.stream.Next(now, c.sealer.Next(now), room[headerSize:headerSize+c.maxPacket])
	c.update(now)
	c.mu.Unlock()
	if n == 0 {
		return 0
	}
	if padded := min(c.engine.config.PadSize, c.maxPacket); n < padded {
		clear(room[headerSize+n : headerSize+padded])
		n = padded
	}
	return c.sealer.Seal(room, n)
}

// schedule queues the Conn for the writer if its stream has something to send.
// It is called with c.mu held.
func (c *Conn) schedule(now time.Time) {
	if p := c.stream.Pending(now); p != stream.Idle && c.mayWrite() {
		if c.engine.queue.schedule(c, p) {
			c.engine.link.Wake()
		}
	}
}
