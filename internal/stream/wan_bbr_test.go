package stream

import "time"

const (
	bbrHighGain   = 2.885 // doubles the rate every round trip
	bbrRounds     = 10    // for which the largest rate is believed
	bbrProbeEvery = 10 * time.Second
	bbrProbeFor   = 200 * time.Millisecond
)

type bbrState uint8

const (
	bbrStartup bbrState = iota
	bbrDrain
	bbrProbeBandwidth
	bbrProbeRTT
)

// bbr is the first version of BBR (draft-cardwell-iccrg-bbr-congestion-control-00), which Linux has.
type bbr struct {
	cwnd  int // bytes
	state bbrState
	rates fifo[bbrRate] // of the last rounds, each larger than those after it
	round int
	next  int64 // what has to be delivered for the round to end

	probed               int64         // what was sent before so much was delivered was held back by a probe for the round trip
	rtt, rttAt, probeEnd time.Duration // the smallest round trip, and when it was seen

	best, stalled  float64 // startup: the rate that grew last, rounds since
	full           bool
	phase          int // of the cycle of gains
	phaseAt        time.Duration
	saved          int // window before a loss or a probe
	conserve       bool
	recoveredRound int
}

// bbrRate is a rate of delivery, bytes a second.
type bbrRate struct {
	round int
	rate  float64
}

func newBBR() controller { return &bbr{cwnd: firstSegments * segmentSize} }

func (b *bbr) window() int { return b.cwnd }

func (b *bbr) rate() float64 {
	if b.rates.len() == 0 {
		return 0
	}
	return b.rates.at(0).rate
}

// raise takes note of a rate. It alone makes others too old, so that what is known stays known
// while there is too little to send.
func (b *bbr) raise(rate float64) {
	for n := b.rates.len(); n > 0 && b.rates.at(n-1).rate <= rate; n-- {
		b.rates.drop()
	}
	b.rates.push(bbrRate{b.round, rate})
	for b.rates.at(0).round <= b.round-bbrRounds {
		b.rates.pop()
	}
}

func (b *bbr) pace() float64 {
	rate := b.rate()
	if rate == 0 {
		return 0
	}
	gain := 1.0
	switch b.state {
	case bbrStartup:
		gain = bbrHighGain
	case bbrDrain:
		gain = 1 / bbrHighGain
	case bbrProbeBandwidth:
		gain = [8]float64{1.25, 0.75, 1, 1, 1, 1, 1, 1}[b.phase]
	}
	return 0.99 * gain * rate
}

// target is how many bytes the path holds, times gain.
func (b *bbr) target(gain float64) int {
	return int(gain*b.rate()*b.rtt.Seconds()) + 3*segmentSize
}

func (b *bbr) onAck(e ackEvent) {
	began := b.onRound(e)
	if b.rtt == 0 || e.rtt <= b.rtt {
		b.rtt, b.rttAt = e.rtt, e.now
	}
	b.startup(e, began)
	b.cycle(e)
	b.probe(e)
	b.setWindow(e, began)
}

// onRound takes the rate into account and tells whether a round began.
func (b *bbr) onRound(e ackEvent) (began bool) {
	if e.rate.deliveredAtSend >= b.next && e.rate.perSecond > 0 {
		b.next, began = e.rate.delivered, true
		b.round++
	}
	if b.state == bbrProbeRTT {
		b.probed = e.rate.delivered + int64(e.flight)
	}
	starved := e.rate.starved || e.rate.deliveredAtSend < b.probed
	if r := e.rate.perSecond; r > 0 && (!starved || r >= b.rate()) {
		b.raise(r)
	}
	return began
}

func (b *bbr) startup(e ackEvent, began bool) {
	if began && !b.full && !e.rate.starved {
		if rate := b.rate(); rate >= 1.25*b.best {
			b.best, b.stalled = rate, 0
		} else if b.stalled++; b.stalled >= 3 {
			b.full = true
		}
	}
	if b.state == bbrStartup && b.full {
		b.state = bbrDrain
	}
	if b.state == bbrDrain && e.flight <= b.target(1) {
		b.state, b.phase, b.phaseAt = bbrProbeBandwidth, 2, e.now
	}
}

func (b *bbr) cycle(e ackEvent) {
	if b.state != bbrProbeBandwidth {
		return
	}
	over := e.now-b.phaseAt > b.rtt
	switch b.phase {
	case 0:
		over = over && (e.lost > 0 || e.flight+e.acked >= b.target(1.25))
	case 1:
		over = over || e.flight+e.acked <= b.target(1)
	}
	if over {
		b.phase, b.phaseAt = (b.phase+1)%8, e.now
	}
}

// probe empties the queue for a moment when the smallest round trip is old.
func (b *bbr) probe(e ackEvent) {
	if b.state != bbrProbeRTT && e.now-b.rttAt > bbrProbeEvery {
		b.state, b.saved, b.probeEnd = bbrProbeRTT, max(b.saved, b.cwnd), 0
		b.rtt = e.rtt
	}
	if b.state != bbrProbeRTT {
		return
	}
	if b.probeEnd == 0 && e.flight <= 4*segmentSize {
		b.probeEnd = e.now + max(bbrProbeFor, b.rtt)
	}
	if b.probeEnd > 0 && e.now > b.probeEnd {
		b.rttAt = e.now
		b.cwnd, b.saved = max(b.cwnd, b.saved), 0
		b.state = bbrStartup
		if b.full {
			b.state, b.phase, b.phaseAt = bbrProbeBandwidth, 2, e.now
		}
	}
}

func (b *bbr) setWindow(e ackEvent, began bool) {
	gain := bbrHighGain
	if b.state == bbrProbeBandwidth {
		gain = 2
	}
	if began && b.round > b.recoveredRound {
		b.conserve = false
	}
	switch target := b.target(gain); {
	case b.conserve:
		b.cwnd = max(b.cwnd-e.lost, e.flight+e.acked)
	case b.full:
		b.cwnd = min(b.cwnd+e.acked, target)
	case b.cwnd < target || e.rate.delivered < firstSegments*segmentSize:
		b.cwnd += e.acked
	}
	b.cwnd = max(b.cwnd, 4*segmentSize)
	if b.state == bbrProbeRTT {
		b.cwnd = 4 * segmentSize
	}
}

// onLoss sends no more than arrives for a round trip.
func (b *bbr) onLoss(e ackEvent) {
	b.saved = max(b.saved, b.cwnd)
	b.cwnd = e.flight + max(e.acked, segmentSize)
	b.conserve, b.recoveredRound = true, b.round+1
	b.next = e.rate.delivered
}

func (b *bbr) onRecovered() {
	b.conserve = false
	if b.state != bbrProbeRTT {
		b.cwnd, b.saved = max(b.cwnd, b.saved), 0
	}
}

func (b *bbr) onTimeout() {
	b.saved = max(b.saved, b.cwnd)
	b.cwnd = segmentSize
}
