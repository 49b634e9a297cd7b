package engine

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// Fill implements link.Source. It runs on the link's writer goroutine, which owns the batch.
func (u *uplink) Fill(batch *link.Batch, now time.Time) {
	later := u.resumeNext(now)
	u.fillEnvelopes(batch)
	for !batch.Full() {
		wait := u.allowance.wait(now)
		c := u.queue.nextConn(wait == 0)
		if c == nil {
			if wait > 0 && u.queue.holdsData() {
				u.allowance.holdsBack(now)
			}
			u.wakeAfter(later, wait)
			return
		}
		if n := c.fill(u, batch, now); n > 0 {
			if wait == 0 {
				u.allowance.sent(n)
			}
			u.queue.charge(c, n)
		}
	}
}

// wakeAfter lets the writer look again when the first of two things may happen that
// have to wait; 0: there is none.
func (u *uplink) wakeAfter(a, b time.Duration) {
	switch {
	case a > 0 && b > 0:
		u.later.Reset(min(a, b))
	case a+b > 0:
		u.later.Reset(a + b)
	}
}

// fillEnvelopes adds all handshake messages of our own, and a few replies.
func (u *uplink) fillEnvelopes(batch *link.Batch) {
	replies := 0
	for !batch.Full() {
		m, ok := u.queue.nextEnvelope()
		if !ok && replies < repliesPerBatch {
			replies++
			m, ok = u.queue.nextReply()
		}
		if !ok {
			return
		}
		batch.Commit(copy(batch.Publish(m.topic), m.payload))
	}
}
