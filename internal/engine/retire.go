package engine

import (
	"math"
	"time"
)

// Retire closes the Engine after the last of its Conns: nobody dials with it or
// listens any more. It waits until nothing of them lingers and the peers have had
// time to hear so.
func (e *Engine) Retire() {
	forever := time.Now().Add(math.MaxInt64)
	var draining time.Duration
	for _, c := range e.connsWhere(func(*Conn) bool { return true }) {
		c.WaitDone(forever)
		draining = max(draining, c.Draining())
	}
	time.Sleep(draining)
	e.Close()
}
