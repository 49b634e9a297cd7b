package engine

import (
	"crypto/rand"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// receiveInbox handles what arrives in our inbox: packets of Conns, told by
// their masked id, and the envelopes of handshakes.
func (e *Engine) receiveInbox(_, payload []byte, now time.Time) {
	if id, ok := e.mask.ID(payload); ok {
		if c := e.conn(id); c != nil {
			c.receive(payload, now)
			return
		}
	}
	m, err := e.key.Open(payload)
	if err != nil {
		e.rejected.Add(1)
		return
	}
	switch m := m.(type) {
	case handshake.Answer:
		e.toDial(m.ID, m, now)
	case handshake.Refusal:
		e.toDial(m.ID, m, now)
	case handshake.Time:
		e.toDial(m.ID, m, now)
	case handshake.Pong:
		e.receivePong(m, now)
	case handshake.Check:
		e.receiveOwnCheck(m, e.gone, now)
	case handshake.Gone:
		e.receiveGone(m, now)
	case handshake.NotMine:
		e.receiveNotMine(m, now)
	default:
		e.rejected.Add(1)
	}
}

func (e *Engine) receivePong(m handshake.Pong, now time.Time) {
	e.mu.Lock()
	waiting, ok := e.probes[m.Nonce]
	delete(e.probes, m.Nonce)
	e.mu.Unlock()
	if ok {
		waiting <- now
	} else {
		e.meetNamesake(m)
	}
}

// random8 returns a connection id or a nonce.
func random8() (b [8]byte) {
	rand.Read(b[:])
	return b
}
