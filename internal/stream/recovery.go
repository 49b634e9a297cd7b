package stream

import (
	"slices"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// acknowledge takes the packets that an ACK names out of flight (RFC 9002,
// A.7).
func (s *Stream) acknowledge(now time.Time, a *wire.Ack) {
	l := &s.sent
	before := l.bytes
	for i, r := range a.Ranges {
		if i == 0 {
			l.largest = max(l.largest, r.Largest+1)
		}
		packets := l.between(r.Smallest, r.Largest)
		for j := range packets {
			p := &packets[j]
			if p.done {
				continue
			}
			if i == 0 && p.number == r.Largest {
				s.sample(now, p, a)
			}
			if p.length > 0 || p.control&controlFin != 0 {
				s.movedAt = now
			}
			s.onAcknowledged(p)
		}
	}
	if acked := before - l.bytes; acked > 0 {
		s.probe = probeNone
		if s.stalled.IsZero() && l.count > 0 {
			s.stalled = now
		}
		rate, ok := s.congestion.onAck(report{now, a.Arrival, acked, l.largest, l.next, s.grant(), l.bytes})
		switch {
		case ok:
			s.congestion.share = s.push.shared.share(now, s.path, &s.member, s.congestion.rate.best())
			s.tryPackets(now, rate)
		case rate > 0:
			s.standAlone()
		}
		s.pace.update(now, s.congestion.waits() || s.out.fresh() == 0)
		s.size.setPaced(s.pace.rate > 0 || s.pace.lossy())
		s.fitPacket()
		l.trim()
	}
}

// standAlone goes by the stream's own rate: it has not more to send than the path takes.
func (s *Stream) standAlone() {
	s.push.shared.leave(&s.member)
	s.congestion.share = 0
}

// grant is how many bytes the peer lets be in flight, in packets of the size that
// we make.
func (s *Stream) grant() int {
	return int(min(s.bytes, s.messages*uint64(s.congestion.packet)))
}

// sample takes the round-trip time of p, unless an outage of either link is
// part of it. An ACK held back longer than the shortest probe timeout repeats one
// that was lost, or waited for a link or a writer.
func (s *Stream) sample(now time.Time, p *sentPacket, a *wire.Ack) {
	if p.number < s.sent.newPath || a.Delay > minProbeTimeout {
		return
	}
	measured := min(max(now.Sub(p.at)-a.Delay, time.Microsecond), maxRTT)
	s.rtt.sample(measured)
	s.congestion.onSample(now, measured, a.Arrival-p.at.Sub(s.acks.epoch))
}

// onAcknowledged takes p out of flight. The probe timeout starts afresh, but
// not when all that is acknowledged is probes of a peer without credit.
func (s *Stream) onAcknowledged(p *sentPacket) {
	s.sent.finish(p)
	if p.number >= s.sent.newPath {
		s.stalled = time.Time{}
		s.size.onAck(p.size)
	}
	s.received.Packets++
	s.received.Acknowledged += p.size
	s.pace.onPacket()
	s.congestion.onPacket(p.at, p.number, p.size, s.grant())
	if p.length > 0 {
		s.out.acknowledge(p.offset, p.offset+uint64(p.length))
	}
	if p.length > 0 || !s.out.blocked() || s.out.una < s.out.sent {
		s.sent.backoff = 0
	}
	for i, c := range s.signals() {
		if p.control&(1<<i) != 0 {
			c.acknowledge(p.number)
		}
	}
}

// detectLoss declares packets lost (RFC 9002, 6.1).
func (s *Stream) detectLoss(now time.Time) {
	l := &s.sent
	delay := s.rtt.lossDelay()
	for i := range l.packets {
		p := &l.packets[i]
		if p.number >= max(l.largest, l.eligible) {
			break
		}
		if !p.done && l.overdue(p, now, delay) {
			s.onLost(p, s.numberAfter(i))
		}
	}
	if l.count == 0 {
		s.stalled = time.Time{}
	}
	l.trim()
}

// numberAfter is the number of the packet after the i-th in flight.
func (s *Stream) numberAfter(i int) uint64 {
	if i+1 < len(s.sent.packets) {
		return s.sent.packets[i+1].number
	}
	return s.sent.next
}

// onLost takes p out of flight and queues what it carried for a new packet.
// following is the number of the packet after it.
func (s *Stream) onLost(p *sentPacket, following uint64) {
	s.sent.finish(p)
	if s.config.Tracer != nil {
		s.config.Tracer.Lost(p.number, p.size)
	}
	if p.number >= s.sent.newPath {
		s.congestion.onLoss(p.number, following, s.sent.next)
		if p.size <= s.size.passed { // what is larger may be lost for its size
			s.pace.onLoss()
		}
		if p.length > 0 {
			s.size.onLoss(p.offset, p.offset+uint64(p.length), s.out.una, p.size)
		}
	}
	if p.length > 0 {
		s.out.lose(p.offset, p.offset+uint64(p.length))
	}
	for i, c := range s.signals() {
		if p.control&(1<<i) != 0 {
			c.lose(p.number)
		}
	}
}

// forget takes the oldest packet for lost when there are too many to remember.
// Only a probe timeout repeats the signals that it carried.
func (s *Stream) forget() {
	l := &s.sent
	if len(l.packets) < maxSent {
		return
	}
	s.drop(l.oldest())
	l.trim()
}

// forgetProbes takes those for lost that are older than any round trip: a peer
// that is silent for hours must not cost more than one that speaks.
func (s *Stream) forgetProbes(now time.Time) {
	l := &s.sent
	l.packets = slices.DeleteFunc(l.packets, func(p sentPacket) bool {
		old := p.probe && now.Sub(p.at) > maxRTT
		if old && !p.done {
			s.drop(&p)
		}
		return old
	})
	l.trim()
}

// drop takes p out of flight and queues its data for a new packet.
func (s *Stream) drop(p *sentPacket) {
	s.sent.finish(p)
	if p.length > 0 {
		s.out.lose(p.offset, p.offset+uint64(p.length))
	}
}

// probeAt is when the next probe timeout ends; zero: nothing to wait for, or
// our own link is down.
func (s *Stream) probeAt() time.Time {
	l := &s.sent
	if !s.pathUp || l.count == 0 && !s.out.blocked() {
		return time.Time{}
	}
	timeout := min(s.probeTimeout()<<min(l.backoff, maxBackoff), max(maxProbeTimeout, s.probeTimeout()))
	since := l.lastSent
	if since.Before(s.restart) {
		since = s.restart
	}
	return since.Add(timeout)
}

// probeTimeout is the probe timeout before any doubling: long enough for some
// packets at the pace that is kept.
func (s *Stream) probeTimeout() time.Duration {
	return max(s.rtt.probeTimeout(), probeIntervals*s.pace.interval())
}

// onProbeTimeout sends a small packet with all signals, which makes the peer's
// ACK reveal what was lost, and the oldest data again. Nothing is declared lost
// (RFC 9002, 6.2.4).
func (s *Stream) onProbeTimeout(now time.Time) {
	l := &s.sent
	l.backoff++
	s.forgetProbes(now)
	s.restart = now
	s.probe = probePing
	for _, c := range s.signals() {
		c.retry()
	}
	if p := l.oldestData(); p != nil {
		s.out.lose(p.offset, p.offset+uint64(p.length))
	}
	if s.pace.rate > 0 && l.backoff%2 == 1 && (len(s.out.lost) > 0 || s.out.fresh() > 0) {
		s.probe = probeData // a packet less of those that are counted, but for one that is small now and then
	}
}

// Deadline is when Expire has to be called; zero: not until something happens.
// What is already due, and waits for the writer, has no deadline.
func (s *Stream) Deadline() time.Time {
	next := Earlier(s.acks.deadline(), s.probeAt())
	next = Earlier(next, s.push.at)
	next = Earlier(next, s.gate.deadline())
	if s.pathUp {
		next = Earlier(next, s.lossAt())
	}
	return next
}

// lossAt is when the time threshold declares the next packet lost.
func (s *Stream) lossAt() time.Time {
	l := &s.sent
	if p := l.oldest(); p != nil && p.number < max(l.largest, l.eligible) {
		return p.at.Add(s.rtt.lossDelay())
	}
	return time.Time{}
}

// Expire does what is due at now. Pending may then have something to send.
func (s *Stream) Expire(now time.Time) {
	s.acks.expire(now)
	s.push.expire(now)
	s.gate.expire(now)
	if !s.pathUp {
		return
	}
	s.detectLoss(now)
	if Passed(s.probeAt(), now) {
		s.onProbeTimeout(now)
	}
}
