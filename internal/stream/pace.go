package stream

import "time"

const (
	// pacePeriod and pacePackets are the least by which losses are judged: a
	// service that allows so many messages a second counts by the second.
	pacePeriod  = time.Second
	pacePackets = 12
	// paceLosses of a period's packets, at least, and more than a tenth of them,
	// mean that more is sent than is let through.
	paceLosses = 3
	// paceProbe is the part by which the pace rises after a period without that; it
	// doubles after each further one, up to paceLeap.
	paceProbe = 0.1
	paceLeap  = 0.4
	// paceEnd times the pace at which losses were last too many ends the pacing.
	paceEnd = 8
	// paceBurst is how much may go at once, as time.
	paceBurst = 10 * time.Millisecond
	// probeIntervals is after how many intervals of a pace a packet is missed.
	probeIntervals = 3
	// leastPace is the lowest pace, packets a second.
	leastPace = 1
	// paceVain paced periods in a row with too many losses mean that these have
	// another reason: what is lost by chance, or for its size, is lost at any rate.
	// After paceAgain it is tried again, in case that the limit fell meanwhile.
	paceVain  = 3
	paceAgain = 30
)

// A pacer bounds the rate at which a stream sends while losses tell that there
// is a limit by rule: some services drop what is beyond so many messages or bytes a
// second, and delay nothing. What arrives stays the same however much is sent, so
// that much is sent, in packets as large as they can be, and a little more each
// period, to find out whether the limit still stands.
type pacer struct {
	rate  float64 // packets a second; 0: not bounded
	cause float64 // the rate that was let through when losses last were too many
	probe float64 // the part by which the rate rises next

	start       time.Time // of the period
	acked, lost int       // packets of the period

	vain int // consecutive periods with too many losses, of the last paceAgain

	next time.Time // when the next packet may go
	held bool      // one waits for that
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
	switch {
	case many && p.lost >= paceLosses:
		p.slow(took)
	case many && took > p.longest():
	case took > p.longest(), needless, p.rate > paceEnd*p.cause:
		p.rate = 0
	case p.rate > 0:
		p.rate *= 1 + p.probe
		p.probe = min(2*p.probe, paceLeap)
	}
	if !many {
		p.vain = 0
	}
	p.start, p.acked, p.lost = now, 0, 0
}

// slow takes the pace to what is let through, unless that does not help.
func (p *pacer) slow(took time.Duration) {
	if took <= p.longest() {
		p.rate = max(float64(p.acked)/took.Seconds(), leastPace)
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

// allows reports whether a packet may go now. If not, deadline tells when.
func (p *pacer) allows(now time.Time) bool {
	p.held = p.rate > 0 && now.Before(p.next)
	return !p.held
}

// sent takes note of a packet.
func (p *pacer) sent(now time.Time) {
	if p.rate == 0 {
		return
	}
	if earliest := now.Add(-paceBurst); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = Earlier(p.next, now).Add(p.interval())
}

// interval is the time from one packet to the next; 0: not bounded.
func (p *pacer) interval() time.Duration {
	if p.rate == 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / p.rate)
}

// deadline is when the packet that waits may go; zero: none waits.
func (p *pacer) deadline() time.Time {
	if !p.held {
		return time.Time{}
	}
	return p.next
}

// expire lets it go.
func (p *pacer) expire(now time.Time) { p.held = p.held && now.Before(p.next) }
