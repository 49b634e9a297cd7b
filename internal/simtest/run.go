// Package simtest is what this project's tests share: virtual time, a broker inside it, faults on the way to a broker, and
// a real Mosquitto. Nothing but tests imports it.
package simtest

import (
	"runtime"
	"testing"
	"testing/synctest"
)

// Run runs f in virtual time (testing/synctest): time stands still while any goroutine that f started can run, and jumps
// when all wait. f must not touch the real network, since waiting for it stops the clock. All goroutines that f starts must end.
//
// Tests come here instead of calling synctest.Test because hashicorp/yamux keeps timers in a pool of the whole process, and
// a timer of a bubble outside of it, or the other way round, is fatal.
func Run(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	emptyPools()
	defer emptyPools()
	if Race {
		// The timers of a bubble share one context of the race detector, and
		// fire both where time is advanced and where a woken goroutine selects
		// on a channel of a timer. On two processors that is at the same time,
		// and crashes the detector: some runs in a hundred, with Go 1.26.8.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	synctest.Test(t, f)
}

// emptyPools empties every sync.Pool: what is in one survives one garbage collection and not two.
func emptyPools() {
	runtime.GC()
	runtime.GC()
}

// Wait waits until every other goroutine of the bubble waits for something: for time to pass, or for what only a later step
// of the test brings. It may be called only inside Run.
func Wait() { synctest.Wait() }
