package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// Fill implements link.Source. It runs on the writer goroutine, which owns the
// batch and every Conn's Sealer.
func (e *Engine) Fill(batch *link.Batch, now time.Time) {
	later := e.resumeNext(now)
	e.fillEnvelopes(batch)
	for !batch.Full() {
		wait := e.allowance.wait(now)
		c := e.queue.nextConn(wait == 0)
		if c == nil {
			e.wakeAfter(later, wait)
			return
		}
		if n := c.fill(batch, now); n > 0 {
			e.allowance.sent(n)
			c.charge(n)
		}
	}
}

// wakeAfter lets the writer look again when the first of two things may happen that
// have to wait; 0: there is none.
func (e *Engine) wakeAfter(a, b time.Duration) {
	switch {
	case a > 0 && b > 0:
		e.later.Reset(min(a, b))
	case a+b > 0:
		e.later.Reset(a + b)
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
