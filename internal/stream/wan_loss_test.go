package stream

import "time"

// minRTO is Linux's smallest retransmission timeout.
const minRTO = 200 * time.Millisecond

type tcpState uint8

const (
	tcpOpen     tcpState = iota
	tcpRecovery          // after a loss, until what was sent before it was found has arrived
	tcpTimeout           // the same after a retransmission timeout
)

// recovery is what a TCP sender knows of losses and round trips.
type recovery struct {
	state              tcpState
	until              int // the segment that ends the state when everything below was acknowledged
	smoothed, variance time.Duration
	timer              time.Duration // when expire has to be called; 0: never
	probed             bool          // a tail loss probe was sent since the last progress
	backoff            uint
}

// An ackEvent is what congestion control learns from an ACK.
type ackEvent struct {
	now, rtt time.Duration
	acked    int // bytes that were delivered
	lost     int // bytes that were found lost
	flight   int // bytes, after the ACK
	first    int // segment below which everything was acknowledged
	end      int // segment that will be sent next
	limited  bool
	state    tcpState
	rate     rateSample
}

// onAck is the sender's end.
func (t *tcp) onAck(p parcel) {
	r := &t.recovery
	e := ackEvent{now: t.net.now, rtt: t.net.now - p.stamp, limited: t.limited}
	r.sample(e.rtt)
	progress := p.number > t.first
	t.settle(p, &e)
	if progress || e.acked > 0 {
		r.backoff, r.probed = 0, false
		r.arm(t, true)
	}
	if r.state != tcpOpen && t.first >= r.until {
		r.state = tcpOpen
		t.control.onRecovered()
	}
	e.flight, e.first, e.end = t.flight, t.first, t.end()
	if e.lost > 0 && r.state == tcpOpen {
		r.state, r.until = tcpRecovery, t.end()
		t.control.onLoss(e)
	}
	e.state = r.state
	t.control.onAck(e)
	t.send()
	t.freed()
}

// settle takes out of flight what an ACK says arrived, and what was sent before that and did not.
func (t *tcp) settle(p parcel, e *ackEvent) {
	for t.order.len() > 0 && t.order.at(0).sent <= p.sent {
		x := t.order.pop()
		if x.number < t.first {
			continue
		}
		switch s := t.segment(x.number); {
		case s.arrived:
			t.deliver(s, e)
		case s.sent == x.sent && !s.lost:
			s.lost = true
			t.flight -= s.size
			e.lost += s.size
			t.lost.push(x.number)
		}
	}
	for ; t.first < p.number; t.first++ {
		t.deliver(t.segments.at(0), e)
		t.acked += int64(t.segments.pop().size)
	}
	e.rate = t.rate.sample(t)
}

func (t *tcp) deliver(s *tcpSegment, e *ackEvent) {
	if s.delivered {
		return
	}
	if !s.lost {
		t.flight -= s.size
	}
	s.delivered, s.lost = true, false
	e.acked += s.size
	t.rate.deliver(t, s)
}

func (r *recovery) sample(rtt time.Duration) {
	if r.smoothed == 0 {
		r.smoothed, r.variance = rtt, rtt/2
		return
	}
	r.variance += ((r.smoothed - rtt).Abs() - r.variance) / 4
	r.smoothed += (rtt - r.smoothed) / 8
}

// arm sets the timer, if it is not set or there was progress.
func (r *recovery) arm(t *tcp, progress bool) {
	switch {
	case t.first == t.end():
		r.timer = 0
	case r.timer == 0 || progress:
		r.timer = t.net.now + r.timeout(t)
	}
}

func (r *recovery) timeout(t *tcp) time.Duration {
	rto := max(r.smoothed+4*r.variance, r.smoothed+minRTO) << r.backoff
	if r.smoothed == 0 {
		return time.Second << r.backoff
	}
	if r.state != tcpOpen || r.probed {
		return rto
	}
	return min(2*r.smoothed+10*time.Millisecond, rto)
}

// expire sends a tail loss probe (the last segment again, whose ACK shows what is missing), and if that
// has no answer takes everything for lost.
func (r *recovery) expire(t *tcp) {
	if r.state == tcpOpen && !r.probed && r.smoothed > 0 {
		r.probed = true
		last := t.end() - 1
		for last > t.first && t.segment(last).delivered {
			last--
		}
		t.transmit(last, t.segment(last).lost)
	} else {
		t.loseAll()
		r.state, r.until = tcpTimeout, t.end()
		r.backoff = min(r.backoff+1, 6)
		t.control.onTimeout()
	}
	r.arm(t, true)
}

func (t *tcp) loseAll() {
	t.lost.clear()
	t.flight = 0
	for i := range t.segments.len() {
		if s := t.segments.at(i); !s.delivered {
			s.lost = true
			t.lost.push(t.first + i)
		}
	}
}
