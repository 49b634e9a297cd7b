package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// Fill implements link.Source. It runs on the writer goroutine, which owns the
// batch and every Conn's Sealer.
func (e *Engine) Fill(batch *link.Batch, now time.Time) {
	if e.chores.Swap(false) {
		e.resumeNext(now)
		e.thinGraves()
	}
	e.fillEnvelopes(batch)
	for !batch.Full() {
		wait := e.allowance.wait(now)
		c := e.queue.nextConn(wait == 0)
		if c == nil {
			e.wakeAfter(wait)
			return
		}
		if n := c.fill(batch, now); n > 0 {
			c.charge(n)
			e.hangs.note(n, now)
			e.allowance.sent(n)
		}
	}
}

// wakeAfter lets the writer look again when data may go that has to wait.
func (e *Engine) wakeAfter(wait time.Duration) {
	if wait > 0 {
		e.allowed.Reset(wait)
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

// schedule queues the Conn for the writer if its stream has something to send.
// It is called with c.mu held.
func (c *Conn) schedule(now time.Time) {
	if p := c.stream.Pending(now); p != stream.Idle && c.mayWrite() {
		if c.engine.queue.schedule(c, p) {
			c.engine.link.Wake()
		}
	}
}
