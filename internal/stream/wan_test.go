package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/race"
)

// What a Conn has to reach, against TCP straight over the same links with the same kernels: its share of the goodput,
// and how much longer a small question may take that is asked beside the transfer.
const (
	wanGoodput     = 0.90
	wanGoodputFar  = 0.75 // from 50 Mbit/s at 150 ms on: the grant is 4 MiB a round trip
	wanGoodputSlow = 0.85 // one link ten times slower than the other, or jitter
	wanEcho        = 30 * time.Millisecond
	wanEchoSlow    = 120 * time.Millisecond // with 1 Mbit/s, where a packet of 1500 bytes takes 12 ms on each link
)

const (
	wanLength = 15 * time.Second
	wanWarm   = 4500 * time.Millisecond // from when on goodput is measured
	wanQueue  = 200 * time.Millisecond
	wanPacket = 32 << 10 // bytes: the default MaxMessageSize
)

type wanCell struct {
	a, b    lineKind
	goodput float64
	echo    time.Duration
}

func (c wanCell) String() string {
	return fmt.Sprintf("%v and %v Mbit/s, %v, loss %v, jitter %v", c.a.mbit, c.b.mbit, c.a.delay, c.a.loss, c.a.jitter)
}

// wanCells are the links to be measured.
func wanCells() (cells []wanCell) {
	add := func(a, b lineKind, goodput float64) {
		a.queue, b.queue = wanQueue, wanQueue
		bound := wanEcho
		if min(a.mbit, b.mbit) <= 1 {
			bound = wanEchoSlow
		}
		cells = append(cells, wanCell{a, b, goodput, bound})
	}
	for _, mbit := range []float64{1, 10, 50, 100} {
		for _, delay := range []time.Duration{5 * ms, 25 * ms, 75 * ms, 150 * ms} {
			goodput := wanGoodput
			if mbit >= 50 && delay >= 150*ms {
				goodput = wanGoodputFar
			}
			k := lineKind{mbit: mbit, delay: delay}
			add(k, k, goodput)
		}
	}
	for _, mbit := range []float64{10, 50} {
		fast, slow := lineKind{mbit: mbit, delay: 25 * ms}, lineKind{mbit: mbit / 10, delay: 25 * ms}
		add(fast, slow, wanGoodputSlow)
		add(slow, fast, wanGoodputSlow)
		k := lineKind{mbit: mbit, delay: 25 * ms, jitter: 10 * ms}
		add(k, k, wanGoodputSlow)
		k = lineKind{mbit: mbit, delay: 25 * ms, loss: 0.01}
		add(k, k, wanGoodput)
	}
	return cells
}

// TestWan compares a Conn through a broker with TCP straight, over links as people have them. See TestGoodput on why.
func TestWan(t *testing.T) {
	for name, control := range map[string]func() controller{"cubic": newCubic, "bbr": newBBR} {
		for i, c := range wanCells() {
			if (testing.Short() || race.Enabled) && i%5 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s, %v", name, c), func(t *testing.T) { c.compare(t, control) })
		}
	}
}

func (c wanCell) compare(t *testing.T, control func() controller) {
	straight, conn := newWan(1, links(c.a, c.b), control), newWan(1, links(c.a, c.b), control)
	straight.straight()
	conn.streams(wanPacket)
	most, least := straight.measure()
	goodput, took := conn.measure()
	share, later := goodput/most, took-least
	t.Logf("%6.3f of %6.3f MB/s: %.2f; echo %v, of TCP %v; queue %d, dropped %d",
		goodput/1e6, most/1e6, share, took.Round(ms), least.Round(ms), conn.toB.longest, conn.toB.dropped)
	if share < c.goodput {
		t.Errorf("goodput is %.2f of TCP's, want at least %.2f", share, c.goodput)
	}
	if later > c.echo {
		t.Errorf("an echo takes %v more than TCP's, want at most %v", later.Round(ms), c.echo)
	}
}

// measure returns how many bytes a second arrive, and the median of the echoes.
func (w *wan) measure() (goodput float64, echo time.Duration) {
	w.run(wanWarm)
	before := w.bytes
	w.run(wanLength)
	return float64(w.bytes-before) / (wanLength - wanWarm).Seconds(), w.echo.median()
}
