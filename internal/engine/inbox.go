package engine

import (
	"crypto/rand"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// receiveInbox handles what arrives in our inbox: packets of Conns, told by
// their masked id, and the envelopes of handshakes.
func (u *uplink) receiveInbox(_, payload []byte, now time.Time) {
	e := u.engine
	if id, ok := u.mask.ID(payload); ok {
		if c := e.conn(id); c != nil {
			c.receive(u, payload, now)
			return
		}
	}
	e.handshaking.Lock()
	defer e.handshaking.Unlock()
	m, err := e.key.Open(payload)
	if err != nil {
		e.rejected.Add(1)
		return
	}
	switch m := m.(type) {
	case handshake.Answer:
		e.toDial(event{m.ID, m, u, now})
	case handshake.Refusal:
		e.toDial(event{m.ID, m, u, now})
	case handshake.Time:
		e.toDial(event{m.ID, m, u, now})
	case handshake.Pong:
		e.receivePong(m, now)
	case handshake.Check:
		u.receiveOwnCheck(m, e.gone, now)
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
