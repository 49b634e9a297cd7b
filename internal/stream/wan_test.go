package stream

import (
	"testing"
	"time"
)

// measure returns how many bytes a second arrive after a start, and the median of the echoes.
func (w *wan) measure(length time.Duration) (rate float64, echo time.Duration) {
	warm := length * 3 / 10
	w.run(warm)
	before := w.bytes
	w.run(length)
	return float64(w.bytes-before) / (length - warm).Seconds(), w.echo.median()
}

func TestWan(t *testing.T) {
	for _, name := range []string{"cubic", "bbr"} {
		control := map[string]func() controller{"cubic": newCubic, "bbr": newBBR}[name]
		for _, c := range []struct {
			mbit  float64
			delay time.Duration
			loss  float64
		}{{1, 25 * ms, 0}, {10, 25 * ms, 0}, {10, 75 * ms, 0}, {50, 50 * ms, 0}, {100, 25 * ms, 0}, {20, 25 * ms, 0.01}, {200, 5 * ms, 0}} {
			k := linkKind{c.mbit, c.delay, 200 * ms, c.loss}
			p := wanPath{up: k, down: k, back: func(k linkKind) linkKind { return k }}
			start := time.Now()
			tcp := newWan(1, p, control)
			tcp.straight()
			tcpRate, tcpEcho := tcp.measure(10 * time.Second)
			middle := time.Now()
			conn := newWan(1, p, control)
			conn.streams(32<<10, 4*c.delay)
			rate, echo := conn.measure(10 * time.Second)
			t.Logf("%s %3.0f Mbit/s %3d ms loss %.2f: Conn %7.3f MB/s, TCP %7.3f: %.2f; echo %v, TCP %v; took %v and %v", name, c.mbit, c.delay.Milliseconds(), c.loss,
				rate/1e6, tcpRate/1e6, rate/tcpRate, echo.Round(ms), tcpEcho.Round(ms), middle.Sub(start).Round(ms), time.Since(middle).Round(ms))
		}
	}
}
