package stream

import "time"

const (
	// pacePeriod and pacePackets are the least by which losses are judged: a
	// service that allows so many messages a second counts by the second.
	pacePeriod  = time.Second
	pacePackets = 12
	// paceLosses of a period's packets, at least, and more than a tenth of them,
	// mean that more is sent than is let through. Under a pace that is kept, more than
	// a fiftieth of paceMany packets or more do.
	paceLosses = 3
	paceMany   = 50
	// paceShare of what is let through is sent, so that what is sent beside it, and
	// not repeated before a timeout, finds room as well.
	paceShare = 0.95
	// paceProbe is the part by which the pace rises after a period without that; it
	// doubles after each further one, up to paceLeap.
	paceProbe = 0.1
	paceLeap  = 0.4
	// paceEnd times the pace at which losses were last too many ends the pacing.
	paceEnd = 8
	// probeIntervals is after how many intervals of a pace a packet is missed.
	probeIntervals = 3
	// leastPace is the lowest pace, packets a second.
	leastPace = 1
	// paceVain paced periods in a row with too many losses mean that these have
	// another reason: what is lost by chance, or for its size, is lost at any rate.
	// After paceAgain it is tried again, in case that the limit fell meanwhile.
	paceVain  = 4
	paceAgain = 30
)

// A pacer bounds the rate at which a stream sends while losses tell that there
// is a limit by rule: some services drop what is beyond so many messages or bytes a
// second, and delay nothing. What arrives stays the same however much is sent, so
// hardly less is sent, in packets as large as they can be, and a little more after each
// period without losses, to find out whether the limit still stands.
type pacer struct {
	rate  float64 // packets a second; 0: not bounded
	cause float64 // the rate that was let through when losses last were too many
	probe float64 // the part by which the rate rises next

	start       time.Time // of the period
	acked, lost int       // packets of the period

	vain int // consecutive periods with too many losses, of the last paceAgain
}

// onPacket and onLoss take note of what became of a packet.
func (p *pacer) onPacket() { p.acked++ }

func (p *pacer) onLoss() { p.lost++ }

// begin starts the period when a packet goes after nothing was in flight: what
// was before tells nothing of how much is let through.
func (p *pacer) begin(now time.Time) {
	if p.rate == 0 {
		p.start, p.acked, p.lost = now, 0, 0
	}
}

// update judges a period when it is over. Where packets wait in a queue, losses
// have another reason, and who has no more to send needs no pace.
func (p *pacer) update(now time.Time, needless bool) {
	took := now.Sub(p.start)
	if p.start.IsZero() || needless && p.rate == 0 {
		*p = pacer{start: now, vain: p.vain}
		return
	}
	if took < pacePeriod || p.acked+p.lost < pacePackets {
		return
	}
	many := p.lost*10 > p.acked+p.lost
	some := (p.rate > 0 || p.lossy()) && p.acked+p.lost >= paceMany && p.lost*50 > p.acked+p.lost
	switch {
	case some, many && p.lost >= paceLosses:
		p.slow(took)
	case many && took > p.longest():
	case took > p.longest(), needless, p.rate > paceEnd*p.cause:
		p.rate = 0
	case p.rate > 0:
		p.rate *= 1 + p.probe
		p.probe = min(2*p.probe, paceLeap)
	}
	if !many && !some {
		p.vain = 0
	}
	p.start, p.acked, p.lost = now, 0, 0
}

// slow takes the pace to what is let through, unless that does not help.
func (p *pacer) slow(took time.Duration) {
	if took <= p.longest() {
		p.rate = max(paceShare*float64(p.acked)/took.Seconds(), leastPace)
		p.cause, p.probe = p.rate, paceProbe
	}
	if p.rate == 0 {
		return
	}
	if p.vain++; p.vain > paceAgain {
		p.vain = 1
	}
	if p.vain > paceVain {
		p.rate = 0
	}
}

// longest is the longest period that tells what is let through: in a longer one
// there was little to send, or nothing came back.
func (p *pacer) longest() time.Duration { return 2 * max(pacePeriod, pacePackets*p.interval()) }

// lossy reports whether packets get lost at whatever pace.
func (p *pacer) lossy() bool { return p.vain > 0 }

// interval is the time from one packet to the next; 0: not bounded.
func (p *pacer) interval() time.Duration {
	if p.rate == 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / p.rate)
}
