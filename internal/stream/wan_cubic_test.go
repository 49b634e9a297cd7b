package stream

import (
	"math"
	"time"
)

// controller is a TCP's congestion control.
type controller interface {
	window() int   // bytes
	pace() float64 // bytes a second; 0: as fast as the line takes them
	onAck(ackEvent)
	onLoss(ackEvent) // the first loss since what was sent before the last one has arrived
	onRecovered()
	onTimeout()
}

const firstSegments = 10 // RFC 6928

// cubic is RFC 9438 as Linux has it, with HyStart and Proportional Rate Reduction (RFC 6937). Windows are in segments.
type cubic struct {
	cwnd, threshold float64
	wMax, origin, k float64
	friendly        float64 // what Reno would have
	epoch           time.Duration
	minRTT          time.Duration

	roundEnd, samples   int
	roundStart, lastAck time.Duration
	roundRTT            time.Duration

	before, reduced, sent float64 // PRR: bytes in flight at the loss, delivered since, sent since
	flight                float64
}

func newCubic() controller { return &cubic{cwnd: firstSegments, threshold: math.Inf(1)} }

func (c *cubic) window() int   { return int(c.cwnd * segmentSize) }
func (c *cubic) pace() float64 { return 0 }

func (c *cubic) onAck(e ackEvent) {
	if c.minRTT == 0 || e.rtt < c.minRTT {
		c.minRTT = e.rtt
	}
	switch {
	case e.state == tcpRecovery:
		c.reduce(e)
	case !e.limited:
	case c.cwnd < c.threshold:
		c.cwnd = min(c.cwnd+float64(e.acked)/segmentSize, max(c.threshold, c.cwnd))
		c.hystart(e)
	default:
		c.avoid(e)
	}
}

// hystart ends slow start when a round trip's first ACKs are late, or come in a row for half a round trip.
func (c *cubic) hystart(e ackEvent) {
	if e.first >= c.roundEnd {
		c.roundEnd, c.samples, c.roundRTT = e.end, 0, 0
		c.roundStart, c.lastAck = e.now, e.now
	}
	if c.cwnd < 16 {
		return
	}
	if e.now-c.lastAck <= 2*time.Millisecond {
		c.lastAck = e.now
		if e.now-c.roundStart > c.minRTT/2 {
			c.threshold = c.cwnd
		}
	}
	if c.roundRTT == 0 || e.rtt < c.roundRTT {
		c.roundRTT = e.rtt
	}
	if c.samples++; c.samples >= 8 && c.roundRTT > c.minRTT+min(max(c.minRTT/8, 4*time.Millisecond), 16*time.Millisecond) {
		c.threshold = c.cwnd
	}
}

func (c *cubic) avoid(e ackEvent) {
	acked := float64(e.acked) / segmentSize
	if c.epoch == 0 {
		c.epoch, c.k, c.origin, c.friendly = e.now, 0, c.cwnd, c.cwnd
		if c.cwnd < c.wMax {
			c.k, c.origin = math.Cbrt((c.wMax-c.cwnd)/0.4), c.wMax
		}
	}
	t := (e.now - c.epoch + c.minRTT).Seconds() - c.k
	every := 100 * c.cwnd // so many segments acknowledged make one more
	if target := c.origin + 0.4*t*t*t; target > c.cwnd {
		every = c.cwnd / (target - c.cwnd)
	}
	if c.wMax == 0 {
		every = min(every, 20)
	}
	c.friendly += acked * 0.53 / c.cwnd
	if c.friendly > c.cwnd {
		every = min(every, c.cwnd/(c.friendly-c.cwnd))
	}
	c.cwnd += acked / max(every, 2)
}

func (c *cubic) shrink() {
	if c.cwnd < c.wMax {
		c.wMax = c.cwnd * 0.85
	} else {
		c.wMax = c.cwnd
	}
	c.epoch = 0
	c.threshold = max(c.cwnd*0.7, 2)
}

func (c *cubic) onLoss(e ackEvent) {
	c.shrink()
	c.before = float64(e.flight + e.lost + e.acked)
	c.reduced, c.sent, c.flight = 0, 0, c.before
}

// reduce lets the window sink in step with what arrives.
func (c *cubic) reduce(e ackEvent) {
	target, flight := c.threshold*segmentSize, float64(e.flight)
	// What was sent since the last ACK is what is in flight more than then.
	c.sent += max(flight+float64(e.acked+e.lost)-c.flight, 0)
	c.reduced += float64(e.acked)
	more := 0.0
	if flight > target {
		more = c.reduced*target/c.before - c.sent
	} else {
		more = min(target-flight, max(c.reduced-c.sent, float64(e.acked))+segmentSize)
	}
	c.cwnd = (flight + max(more, 0)) / segmentSize
	c.flight = flight
}

func (c *cubic) onRecovered() {
	if !math.IsInf(c.threshold, 1) {
		c.cwnd = max(c.cwnd, c.threshold)
	}
}

func (c *cubic) onTimeout() {
	c.shrink()
	c.cwnd = 1
}
