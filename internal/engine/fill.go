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

// buildPacket seals the stream's next packet into room, where the socket takes
// it from. Large ones are sealed from where they were written to, small ones
// made in room and sealed in place; the lock is held for both, since an
// acknowledgement may free what was written.
func (c *Conn) buildPacket(room []byte, now time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == stateRemoved {
		return 0
	}
	if number, ok := c.stream.LargestAcknowledged(); ok {
		c.sealer.Acknowledged(number)
	}
	inside := room[headerSize : headerSize+c.maxPacket]
	plaintext := c.stream.Next(now, c.sealer.Next(now), inside)
	size := 0
	if len(plaintext) > 0 {
		size = c.sealer.Seal(room, c.padded(plaintext, inside))
	}
	c.stream.Sealed()
	c.update(now)
	return size
}

// padded returns the plaintext with the zeros that it needs behind it, in room.
func (c *Conn) padded(plaintext, room []byte) []byte {
	size := min(c.engine.config.PadSize, c.maxPacket)
	if len(plaintext) >= size {
		return plaintext
	}
	clear(room[copy(room, plaintext):size])
	return room[:size]
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
