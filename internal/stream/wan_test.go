package stream

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// What a Conn has to reach, against TCP straight over the same links with the same kernels: its share of the goodput,
// and how much longer a small question may take that is asked beside the transfer.
const (
	wanGoodput     = 0.90
	wanGoodputFar  = 0.75 // from 50 Mbit/s at 150 ms on: the grant is 4 MiB a round trip
	wanGoodputSlow = 0.85 // one link ten times slower than the other, or jitter
	wanEcho        = 30 * time.Millisecond
	wanEchoSlow    = 120 * time.Millisecond // with 1 Mbit/s, where a packet of 1500 bytes takes 12 ms on each link
	wanSum         = 0.90                   // of all transfers, if there are several
	wanSlowest     = 0.5                    // of the fastest of them
	wanBesideTCP   = 0.3                    // of the link, and TCP the same
	wanStart       = 1.5                    // times what TCP takes for the first 1 MiB
	wanAllowance   = 0.8                    // of a service's allowance
	wanPatience    = time.Second            // for an echo beside a transfer that fills it
)

const (
	wanWarm   = 4500 * time.Millisecond // from when on goodput is measured
	wanLength = 15 * time.Second
	wanQueue  = 200 * time.Millisecond
	wanPacket = 32 << 10 // bytes: the default MaxMessageSize
)

// wanKernels are the congestion controls of kernels: Linux's default, and that of large services.
var wanKernels = []struct {
	name    string
	control func() controller
}{{"cubic", newCubic}, {"bbr", newBBR}}

// A wanCell is a path, with the least share of TCP's goodput and the most that an echo may take longer; 0: any time.
type wanCell struct {
	path    wanPath
	goodput float64
	echo    time.Duration
}

func (c wanCell) String() string {
	p := c.path
	return fmt.Sprintf("%v and %v Mbit/s, back %v and %v, %v, loss %v, jitter %v", p.up.mbit, p.down.mbit, p.downBack.mbit, p.upBack.mbit, p.up.delay, p.up.loss, p.up.jitter)
}

// wanCells are the links to be measured.
func wanCells() (cells []wanCell) {
	add := func(p wanPath, goodput float64) {
		bound := wanEcho
		if min(p.up.mbit, p.down.mbit, p.upBack.mbit, p.downBack.mbit) <= 1 {
			bound = wanEchoSlow
		}
		cells = append(cells, wanCell{p, goodput, bound})
	}
	for _, mbit := range []float64{1, 10, 50, 100} {
		for _, delay := range []time.Duration{5 * ms, 25 * ms, 75 * ms, 150 * ms} {
			goodput := wanGoodput
			if mbit >= 50 && delay >= 150*ms {
				goodput = wanGoodputFar
			}
			k := lineKind{mbit: mbit, delay: delay, queue: wanQueue}
			add(links(k, k), goodput)
		}
	}
	for _, mbit := range []float64{10, 50} {
		fast, slow := lineKind{mbit: mbit, delay: 25 * ms, queue: wanQueue}, lineKind{mbit: mbit / 10, delay: 25 * ms, queue: wanQueue}
		add(links(fast, slow), wanGoodputSlow)
		add(links(slow, fast), wanGoodputSlow)
		add(wanPath{up: slow, down: fast, upBack: fast, downBack: fast}, wanGoodputSlow) // A has a slow uplink
		add(wanPath{up: fast, down: fast, upBack: fast, downBack: slow}, wanGoodputSlow) // B has
		shaky := fast
		shaky.jitter = 10 * ms
		add(links(shaky, shaky), wanGoodputSlow)
		cells[len(cells)-1].echo = 0
		for _, loss := range []float64{0.001, 0.01, 0.03} {
			lossy := fast
			lossy.loss = loss
			add(links(lossy, lossy), wanGoodput)
			cells[len(cells)-1].echo = 0
		}
	}
	return cells
}

// TestWan compares a Conn through a broker with TCP straight, over links as people have them.
func TestWan(t *testing.T) {
	for _, kernel := range wanKernels {
		for i, c := range wanCells() {
			if wanBrief() && i%5 != 0 {
				continue
			}
			name := fmt.Sprintf("%s, %v", kernel.name, c)
			t.Run(name, func(t *testing.T) { c.promised(name).compare(t, kernel.control) })
		}
	}
}

// wanBrief tells that there is time for a part only.
func wanBrief() bool { return testing.Short() || simtest.Race }

func (c wanCell) compare(t *testing.T, control func() controller) {
	var shares, later []float64
	for seed := range c.seeds() {
		tcp, conn := newWan(seed, c.path, control), newWan(seed, c.path, control)
		tcp.tcpBulk()
		tcp.tcpEcho()
		conn.endpoints(wanPacket, 1, allowance{})
		most, goodput := tcp.measure(wanWarm, wanLength)[0], conn.measure(wanWarm, wanLength)[0]
		least, took := tcp.echo.median(), conn.echo.median()
		shares, later = append(shares, goodput/most), append(later, (took-least).Seconds())
		t.Logf("%6.3f of %6.3f MB/s: %.2f; echo %v, of TCP %v; queue %d, dropped %d",
			goodput/1e6, most/1e6, goodput/most, took.Round(ms), least.Round(ms), conn.brokers[0].longest, conn.brokers[0].dropped)
	}
	if share := median(shares); share < c.goodput {
		t.Errorf("goodput is %.2f of TCP's, want at least %.2f", share, c.goodput)
	}
	if l := median(later); c.echo > 0 && l > c.echo.Seconds() {
		t.Errorf("an echo takes %.3f s more than TCP's, want at most %v", l, c.echo)
	}
}

// seeds is how many runs there are: more than one only where there is chance.
func (c wanCell) seeds() uint64 {
	if c.path.up.loss > 0 || c.path.up.jitter > 0 {
		return 3
	}
	return 1
}

func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// middling returns links of 20 Mbit/s, with three delays: who meets whom in a queue is chance.
func middling() (kinds []lineKind) {
	for _, delay := range []time.Duration{20 * ms, 25 * ms, 30 * ms} {
		kinds = append(kinds, lineKind{mbit: 20, delay: delay, queue: wanQueue})
	}
	return kinds
}

// TestWanShares lets several Conns transfer, of one Endpoint and of different ones.
func TestWanShares(t *testing.T) {
	numbers := []int{2, 4, 8}
	if wanBrief() {
		numbers = numbers[:1]
	}
	for _, kernel := range wanKernels {
		for _, n := range numbers {
			checkShares(t, fmt.Sprintf("%s, %d Conns of one Endpoint", kernel.name, n), kernel.control, func(w *wan) { w.endpoints(wanPacket, n, allowance{}) })
			checkShares(t, fmt.Sprintf("%s, %d Endpoints", kernel.name, n), kernel.control, func(w *wan) {
				for range n {
					w.endpoints(wanPacket, 1, allowance{})
				}
			})
		}
	}
}

func checkShares(t *testing.T, what string, control func() controller, begin func(*wan)) {
	var sums, fairness []float64
	for _, k := range middling() {
		tcp, conns := newWan(1, links(k, k), control), newWan(1, links(k, k), control)
		tcp.tcpBulk()
		begin(conns)
		most, goodputs := tcp.measure(wanWarm, wanLength)[0], conns.measure(wanWarm, wanLength)
		sum := 0.0
		for _, g := range goodputs {
			sum += g
		}
		sums, fairness = append(sums, sum/most), append(fairness, slices.Min(goodputs)/slices.Max(goodputs))
	}
	sum, slowest, want, wantSum := median(sums), median(fairness), behind(what, wanSlowest), behind(what+", sum", wanSum)
	t.Logf("%s: %.2f of TCP's goodput, the slowest %.2f of the fastest", what, sum, slowest)
	if sum < wantSum || slowest < want {
		t.Errorf("%s: %.2f of TCP's goodput, want %.2f; the slowest has %.2f of the fastest, want %.2f", what, sum, wantSum, slowest, want)
	}
}

// TestWanBesideTCP lets a Conn and TCP transfer over the same links.
func TestWanBesideTCP(t *testing.T) {
	for _, kernel := range wanKernels {
		var tcp, conn []float64
		for _, k := range middling() {
			w := newWan(1, links(k, k), kernel.control)
			w.tcpBulk()
			w.endpoints(wanPacket, 1, allowance{})
			goodputs, link := w.measure(wanWarm, wanLength), k.mbit*1e6/8
			tcp, conn = append(tcp, goodputs[0]/link), append(conn, goodputs[1]/link)
		}
		t.Logf("%s: TCP has %.2f of the link, the Conn %.2f", kernel.name, median(tcp), median(conn))
		if want := behind(kernel.name+", beside TCP", wanBesideTCP); min(median(tcp), median(conn)) < want {
			t.Errorf("%s: TCP has %.2f of the link and the Conn %.2f, want at least %.2f for both", kernel.name, median(tcp), median(conn), want)
		}
	}
}

// TestWanStart measures until the first 1 MiB has arrived.
func TestWanStart(t *testing.T) {
	k := lineKind{mbit: 50, delay: 50 * ms, queue: wanQueue}
	for _, kernel := range wanKernels {
		tcp, conn := newWan(1, links(k, k), kernel.control), newWan(1, links(k, k), kernel.control)
		tcp.tcpBulk()
		conn.endpoints(wanPacket, 1, allowance{})
		handshake := tcp.path.roundTrip()
		least, took := handshake+tcp.until(1<<20), handshake+conn.until(1<<20)
		t.Logf("%s: %v, TCP %v", kernel.name, took, least)
		if took.Seconds() > wanStart*least.Seconds() {
			t.Errorf("%s: the first 1 MiB takes %v, want at most %.1f times the %v of TCP", kernel.name, took, wanStart, least)
		}
	}
}

// until returns when the first transfer has brought so many bytes.
func (w *wan) until(bytes int64) time.Duration {
	for w.bulks[0].read < bytes && w.now < time.Minute {
		w.run(w.now + ms)
	}
	return w.now
}

// TestWanAllowance transfers through services that discard, or delay, what is beyond so many messages a second.
func TestWanAllowance(t *testing.T) {
	k := lineKind{mbit: 100, delay: 10 * ms, queue: wanQueue, jitter: ms} // else what is lost depends on who keeps step with whom
	far := lineKind{mbit: 50, delay: 75 * ms, queue: wanQueue, jitter: ms}
	for _, kernel := range wanKernels {
		checkAllowance(t, kernel.name, kernel.control, k, allowance{perSecond: 10})
		checkAllowance(t, kernel.name, kernel.control, k, allowance{perSecond: 100})
		checkAllowance(t, kernel.name, kernel.control, k, allowance{perSecond: 100, delays: true})
		if wanBrief() {
			continue
		}
		checkAllowance(t, kernel.name+", far", kernel.control, far, allowance{perSecond: 100, delays: true})
	}
}

func checkAllowance(t *testing.T, name string, control func() controller, k lineKind, limit allowance) {
	until, shorter := time.Minute, 0.0
	if wanBrief() {
		until, shorter = 20*time.Second, 0.2 // finding out takes a larger part then
	}
	name = fmt.Sprintf("%s, %v a second", name, limit.perSecond)
	if limit.delays {
		name += ", others delayed"
	}
	var shares []float64
	var echoes []time.Duration
	for seed := range uint64(3) {
		w := newWan(seed, links(k, k), control)
		w.quiet, w.echo.pause = true, time.Second // reports alone, or questions at once, would take an allowance of ten
		w.endpoints(wanPacket, 1, limit)
		shares = append(shares, w.measure(wanWarm, until)[0]/(limit.perSecond*wanPacket))
		echoes = append(echoes, w.echo.median())
	}
	share, took, want := median(shares), median(echoes), behind(name, wanAllowance)
	t.Logf("%s: %.2f of it, echo %v", name, share, took.Round(ms))
	if share < want-shorter || took > wanPatience {
		t.Errorf("%s: %.2f of it, want %.2f; an echo takes %v, want at most %v", name, share, want, took, wanPatience)
	}
}
