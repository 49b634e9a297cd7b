package stream

import (
	"math"
	"testing"
	"time"
)

// TestWanTCP checks the yardstick itself: TCP fills links that lose nothing, answers come after a round trip, and losses by
// chance make cubic as slow as they make Reno (Mathis and others, 1997), as far as its windows are small, and do not slow bbr.
func TestWanTCP(t *testing.T) {
	const fill = float64(segmentSize) / (segmentSize + segmentHeader)
	k := lineKind{mbit: 20, delay: 25 * ms, queue: wanQueue}
	lossy := k
	lossy.loss = 0.01
	roundTrip := links(k, k).roundTrip()
	reno := segmentSize / roundTrip.Seconds() * math.Sqrt(1.5/(2*lossy.loss)) // both links lose
	for _, c := range []struct {
		name        string
		control     func() controller
		kind        lineKind
		least, most float64
	}{
		{"cubic", newCubic, k, 0.95 * fill * 20e6 / 8, fill * 20e6 / 8},
		{"bbr", newBBR, k, 0.95 * fill * 20e6 / 8, fill * 20e6 / 8},
		{"cubic, loss", newCubic, lossy, reno * 0.7, reno * 1.4},
		{"bbr, loss", newBBR, lossy, 0.8 * fill * 20e6 / 8, fill * 20e6 / 8},
	} {
		w := newWan(1, links(c.kind, c.kind), c.control)
		w.tcpBulk()
		if goodput := w.measure(wanWarm, time.Minute)[0]; goodput < c.least || goodput > c.most {
			t.Errorf("%s: %.0f bytes a second, want %.0f to %.0f", c.name, goodput, c.least, c.most)
		}
		alone := newWan(1, links(c.kind, c.kind), c.control)
		alone.tcpEcho()
		alone.run(time.Minute)
		if took := alone.echo.median(); took < roundTrip || took > roundTrip+ms {
			t.Errorf("%s: an echo alone takes %v, want %v", c.name, took, roundTrip)
		}
	}
}

// TestWanTCPAfterSilence cuts the link for ten seconds. Everything written arrives afterwards.
func TestWanTCPAfterSilence(t *testing.T) {
	k := lineKind{mbit: 10, delay: 25 * ms, queue: wanQueue}
	for _, kernel := range wanKernels {
		w := newWan(1, links(k, k), kernel.control)
		w.tcpBulk()
		w.run(5 * time.Second)
		w.up.loss = 1
		w.run(15 * time.Second)
		before := w.bulks[0].read
		w.up.loss = 0
		w.run(30 * time.Second)
		if got := w.bulks[0].read - before; got < 5<<20 {
			t.Errorf("%s: %d bytes in the 15 s after a silence", kernel.name, got)
		}
	}
}
