package stream

import "time"

// behindGoodput and behindEcho are how much worse than noted a run may be: every change of the sender shifts by chance who
// meets whom in a queue.
const (
	behindGoodput = 0.05
	behindEcho    = 30 * time.Millisecond
)

// wanBehind has the cells that do not keep a promise yet, with what was measured, so that none gets worse unnoticed. Who
// makes one keep it takes its line out.
var wanBehind = map[string]struct {
	goodput float64       // share of TCP's
	echo    time.Duration // longer than TCP's
}{
	"cubic, 1 and 1 Mbit/s, back 1 and 1, 5ms, loss 0, jitter 0s":        {0.90, -88 * ms},
	"cubic, 1 and 1 Mbit/s, back 1 and 1, 25ms, loss 0, jitter 0s":       {0.88, -113 * ms},
	"cubic, 1 and 1 Mbit/s, back 1 and 1, 75ms, loss 0, jitter 0s":       {0.88, -19 * ms},
	"cubic, 10 and 10 Mbit/s, back 10 and 10, 150ms, loss 0, jitter 0s":  {1.36, 306 * ms},
	"cubic, 50 and 50 Mbit/s, back 50 and 50, 150ms, loss 0, jitter 0s":  {1.87, 72 * ms},
	"bbr, 1 and 1 Mbit/s, back 1 and 1, 150ms, loss 0, jitter 0s":        {0.69, 190 * ms},
	"bbr, 10 and 10 Mbit/s, back 10 and 10, 75ms, loss 0, jitter 0s":     {0.84, 30 * ms},
	"bbr, 10 and 10 Mbit/s, back 10 and 10, 150ms, loss 0, jitter 0s":    {0.75, 46 * ms},
	"bbr, 50 and 50 Mbit/s, back 50 and 50, 150ms, loss 0, jitter 0s":    {0.87, 45 * ms},
	"bbr, 10 and 10 Mbit/s, back 10 and 10, 25ms, loss 0.001, jitter 0s": {0.90, 23 * ms},
	"bbr, 10 and 10 Mbit/s, back 10 and 10, 25ms, loss 0.01, jitter 0s":  {0.90, 96 * ms},
	"bbr, 5 and 50 Mbit/s, back 50 and 5, 25ms, loss 0, jitter 0s":       {0.94, 31 * ms},
	"bbr, 5 and 50 Mbit/s, back 50 and 50, 25ms, loss 0, jitter 0s":      {0.94, 31 * ms},
	"bbr, 50 and 50 Mbit/s, back 50 and 50, 25ms, loss 0.001, jitter 0s": {0.88, 61 * ms},
}

// promised returns the cell with bounds that it keeps today.
func (c wanCell) promised(name string) wanCell {
	b, ok := wanBehind[name]
	if !ok {
		return c
	}
	c.goodput = min(c.goodput, b.goodput-behindGoodput)
	if c.echo > 0 {
		c.echo = max(c.echo, b.echo+behindEcho)
	}
	return c
}

// wanBehindShares has the shares that do not keep their promise yet, in the same way.
var wanBehindShares = map[string]float64{
	"bbr, 4 Endpoints":                         0.28,
	"bbr, 8 Endpoints":                         0.19,
	"cubic, beside TCP":                        0.26,
	"cubic, 8 Endpoints, sum":                  0.90,
	"bbr, beside TCP":                          0.14,
	"cubic, far, 100 a second, others delayed": 0.68,
	"bbr, far, 100 a second, others delayed":   0.62,
}

// behind returns the bound that a share keeps today.
func behind(what string, promised float64) float64 {
	if b, ok := wanBehindShares[what]; ok {
		return b - 2*behindGoodput
	}
	return promised
}
