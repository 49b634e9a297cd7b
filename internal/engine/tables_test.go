package engine

import (
	"maps"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// afterTimeWait is how long after Close at both ends nothing of a Conn is
// left, even if the last acknowledgement waited for an answer to carry it.
const afterTimeWait = timeWaitLife + time.Second

// scaled returns n, or a fifth of it where tests take long: with the race
// detector, and with -short, which is for platforms with slow cryptography.
func scaled(n int) int {
	if simtest.Race || testing.Short() {
		return n / 5
	}
	return n
}

// entries counts what stands in the tables of an Engine.
func entries(e *Engine) map[string]int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	n := map[string]int{
		"Conns": len(e.conns), "dials": len(e.dials), "probes": len(e.probes), "checks": len(e.checks),
		"Listeners": len(e.listeners), "peers": len(e.peers), "in TIME-WAIT": len(e.timeWait),
		"to resume":        len(e.uplinks[0].resumes.waiting),
		"borrowed to send": int(bufferBudget - e.send.Left()), "borrowed to receive": int(bufferBudget - e.receive.Left()),
	}
	for _, l := range e.listeners {
		l.mu.Lock()
		n["half-open"] += len(l.halfOpen)
		n["waiting"] += len(l.waiting)
		l.mu.Unlock()
	}
	maps.DeleteFunc(n, func(_ string, count int) bool { return count == 0 })
	return n
}

// checkEmpty checks that a closed Engine remembers nothing.
func checkEmpty(t *testing.T, e *Engine) {
	t.Helper()
	if n := entries(e); len(n) != 0 {
		t.Errorf("the Engine still has %v", n)
	}
}
