package engine

import (
	"crypto/sha256"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// toDial hands an answer to the dial that waits for it. An answer to a dial
// that has its Conn already can only come from a second listener.
func (e *Engine) toDial(ev event) {
	e.mu.RLock()
	c, d := e.conns[ev.id], e.dials[ev.id]
	if c == nil && d != nil {
		d.tell(ev)
	}
	e.mu.RUnlock()
	if c != nil {
		e.secondAnswer(c, ev.m)
	}
}

// lookForSecondAnswer looks at what came while the first answer was dealt with.
func (d *dial) lookForSecondAnswer(c *Conn) {
	for {
		select {
		case ev := <-d.events:
			if ev.id == c.id {
				d.engine.secondAnswer(c, ev.m)
			}
		default:
			return
		}
	}
}

func (e *Engine) secondAnswer(c *Conn, m handshake.Message) {
	answer, ok := m.(handshake.Answer)
	if ok && sha256.Sum256(answer.Noise) != c.origin.digest && !c.warned.Swap(true) {
		e.config.Logger.Warn("another answer came under the same name: a second listener, which should have a name or key of its own, or a restarted one", "conn", c.LogName(), "name", c.origin.name)
	}
}
