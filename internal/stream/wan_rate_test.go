package stream

import "time"

// rate measures how fast a TCP delivers, as draft-cheng-iccrg-delivery-rate-estimation has it.
type rate struct {
	delivered     int64         // bytes
	at, firstSent time.Duration // when that was last raised; when the packet that was acknowledged last was sent
	starvedUntil  int64         // samples are too small until so much was delivered, for want of data
	newest        rateMark      // of what the current ACK acknowledges
	valid         bool
}

// rateMark is the state in which a segment was sent.
type rateMark struct {
	delivered           int64
	at, firstSent, sent time.Duration
	starved             bool
}

type rateSample struct {
	perSecond       float64 // bytes; 0: none
	starved         bool
	delivered       int64 // bytes until now
	deliveredAtSend int64
}

func (r *rate) mark(t *tcp) rateMark {
	if t.flight == 0 {
		r.at, r.firstSent = t.net.now, t.net.now
	}
	return rateMark{r.delivered, r.at, r.firstSent, t.net.now, r.starvedUntil > 0}
}

// starved takes note that there was room for more than there was to send.
func (r *rate) starved(t *tcp) {
	if t.flight < t.control.window() {
		r.starvedUntil = max(r.delivered+int64(t.flight), 1)
	}
}

func (r *rate) deliver(t *tcp, s *tcpSegment) {
	r.delivered += int64(s.size)
	r.at = t.net.now
	if !r.valid || s.at.delivered >= r.newest.delivered {
		r.newest, r.valid, r.firstSent = s.at, true, s.at.sent
	}
	if r.delivered > r.starvedUntil {
		r.starvedUntil = 0
	}
}

func (r *rate) sample(t *tcp) rateSample {
	if !r.valid {
		return rateSample{delivered: r.delivered}
	}
	m := r.newest
	r.valid = false
	interval := max(m.sent-m.firstSent, t.net.now-m.at)
	s := rateSample{starved: m.starved, delivered: r.delivered, deliveredAtSend: m.delivered}
	if interval > 0 {
		s.perSecond = float64(r.delivered-m.delivered) / interval.Seconds()
	}
	return s
}
