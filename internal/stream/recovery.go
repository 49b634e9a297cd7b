package stream

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// acknowledge takes the packets that an ACK names out of flight (RFC 9002,
// A.7).
func (s *Stream) acknowledge(now time.Time, a *wire.Ack) {
	l := &s.ledger
	limited := l.bytes*2 >= s.congestion.window
	progress, before := false, l.bytes
	for i, r := range a.Ranges {
		packets := l.between(r.Smallest, r.Largest)
		for j := range packets {
			p := &packets[j]
			if p.done {
				continue
			}
			if i == 0 && p.number == r.Largest {
				s.sample(now, p, a.Delay)
			}
			s.onAcknowledged(p, limited)
			progress = true
		}
	}
	if !progress {
		return
	}
	l.largest = max(l.largest, a.Ranges[0].Largest+1)
	l.backoff = 0
	s.congestion.onAck(now, before-l.bytes, a.Ranges[0].Largest, l.next, &s.rtt)
	l.trim()
}

func (s *Stream) sample(now time.Time, p *sentPacket, delay time.Duration) {
	measured := now.Sub(p.at)
	s.rtt.sample(now, measured, delay)
	s.congestion.onSample(max(measured-delay, 0))
}

func (s *Stream) onAcknowledged(p *sentPacket, limited bool) {
	s.ledger.finish(p)
	s.size.onAck(p.size)
	s.congestion.onPacket(p.size, int(s.bytes), limited)
	if p.length > 0 {
		s.out.acknowledge(p.offset, p.offset+uint64(p.length))
	}
	for _, c := range s.signals(p.control) {
		*c = signalAcked
	}
}

// detectLoss declares packets lost (RFC 9002, 6.1) and returns when it has to
// look again; zero: not before the next ACK.
func (s *Stream) detectLoss(now time.Time) (next time.Time) {
	l := &s.ledger
	delay := s.rtt.lossDelay()
	for i := range l.packets {
		p := &l.packets[i]
		if p.number >= max(l.largest, l.eligible) {
			break
		}
		if p.done {
			continue
		}
		lost, due := l.overdue(p, now, delay)
		next = earlier(next, due)
		if lost {
			s.onLost(p, s.numberAfter(i))
		}
	}
	l.trim()
	return next
}

// numberAfter is the number of the packet after the i-th in the ledger.
func (s *Stream) numberAfter(i int) uint64 {
	if i+1 < len(s.ledger.packets) {
		return s.ledger.packets[i+1].number
	}
	return s.ledger.next
}

func (s *Stream) onLost(p *sentPacket, next uint64) {
	s.ledger.finish(p)
	if !s.ledger.blameless(p) {
		s.congestion.onLoss(p.number, next)
		if p.length > 0 {
			s.size.onLoss(p.offset, p.offset+uint64(p.length), s.out.una, p.size)
		}
	}
	s.sendAgain(p)
}

// sendAgain queues what p carried for a new packet.
func (s *Stream) sendAgain(p *sentPacket) {
	if p.length > 0 {
		s.out.lose(p.offset, p.offset+uint64(p.length))
	}
	for _, c := range s.signals(p.control) {
		c.lose()
	}
	if p.control&controlCredit != 0 {
		s.reopened = true
	}
}

// signals returns the signals that a packet carried.
func (s *Stream) signals(carried control) []*signal {
	if carried == 0 {
		return nil
	}
	all := [...]*signal{&s.out.fin, &s.stop, &s.reset, &s.ping, &s.resume}
	list := all[:0]
	for i, c := range all {
		if carried&(1<<i) != 0 {
			list = append(list, c)
		}
	}
	return list
}

// probeAt is when the next probe timeout ends; zero: nothing to wait for, or
// our own link is down.
func (s *Stream) probeAt() time.Time {
	l := &s.ledger
	if !s.linkUp || l.count == 0 && !s.out.blocked() {
		return time.Time{}
	}
	timeout := min(s.rtt.probeTimeout()<<min(l.backoff, maxBackoff), max(maxProbeTimeout, s.rtt.probeTimeout()))
	since := l.lastSent
	if since.Before(s.restart) {
		since = s.restart
	}
	return since.Add(timeout)
}

// onProbeTimeout sends a small packet, which makes the peer's ACK reveal what
// was lost, and the oldest data again. Nothing is declared lost (RFC 9002,
// 6.2.4).
func (s *Stream) onProbeTimeout(now time.Time) {
	l := &s.ledger
	l.backoff++
	s.restart = now
	s.probe = probePing
	if p := l.oldest(); p != nil {
		s.sendAgain(p)
	}
}

// Deadline is when Expire has to be called; zero: not until something happens.
func (s *Stream) Deadline() time.Time {
	next := earlier(s.acks.deadline(), s.probeAt())
	if s.linkUp {
		next = earlier(next, s.lossAt())
	}
	return next
}

// lossAt is when the time threshold declares the next packet lost.
func (s *Stream) lossAt() time.Time {
	l := &s.ledger
	if p := l.oldest(); p != nil && p.number < max(l.largest, l.eligible) {
		return p.at.Add(s.rtt.lossDelay())
	}
	return time.Time{}
}

// Expire does what is due at now. Pending may then have something to send.
func (s *Stream) Expire(now time.Time) {
	if !s.linkUp {
		return
	}
	s.detectLoss(now)
	if at := s.probeAt(); !at.IsZero() && !now.Before(at) {
		s.onProbeTimeout(now)
	}
}
