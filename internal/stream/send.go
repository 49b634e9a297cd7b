package stream

import (
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// Priority says how soon a stream wants the writer.
type Priority uint8

const (
	Idle   Priority = iota // nothing to send
	Data                   // stream data, in turn with other streams
	Urgent                 // an ACK, a control frame, or little data, before anybody's data
)

// shortData is how many bytes pass the bulk of others, if nothing of theirs is in
// flight: less than a TCP segment.
const shortData = 1 << 10

// probe is what a probe timeout still wants sent.
type probe uint8

const (
	probeNone probe = iota
	probeData       // a packet with data, whatever the window
	probePing       // first a small packet, which passes where a large one may not
)

// Bytes of frames, at most. frameRoom is set aside for the STREAM header and
// the small control frames when the question is whether data fills a packet.
// ackRoom is for an ACK with one range, FIN, STOP, RESET and PING, rangeRoom
// for each further range.
const (
	frameRoom = 40
	ackRoom   = 1 + 8*8 + 9 + 1 + 9 + 1
	rangeRoom = 2 * 8
)

// Pending says what there is to send now.
func (s *Stream) Pending(now time.Time) Priority {
	switch {
	case s.reset.unsent(), s.stop.unsent(), s.ping.unsent(), s.resume.unsent(),
		s.push.now, s.reopen.unsent(), s.out.finReady(), s.probe != probeNone, s.acks.due(now):
		return Urgent
	case s.canSendData(now):
		if s.short() {
			return Urgent
		}
		return Data
	}
	return Idle
}

// short reports whether what there is to send is so little that it may pass the
// bulk of other streams, as a keystroke should.
func (s *Stream) short() bool {
	return s.sent.count == 0 && len(s.out.lost) == 0 && s.out.fresh() <= shortData
}

// canSendData applies, in this order, the grant, the window, the rule for
// partial packets, and the pace.
func (s *Stream) canSendData(now time.Time) bool {
	fresh, lost := s.out.fresh(), len(s.out.lost) > 0
	if fresh == 0 && !lost || s.reset.set() || !s.room(fresh, lost) {
		return false
	}
	full := fresh >= s.size.packet()-frameRoom
	if !lost && !full && !s.out.closed && s.sent.partial >= maxPartial {
		return false
	}
	if !s.gate.admits(now) {
		s.congestion.onHeld(s.sent.next)
		return false
	}
	return true
}

// room reports whether the grant and the window admit another packet. A window
// that is used up is so whatever the grant says: the first of both are the same.
func (s *Stream) room(fresh int, lost bool) bool {
	l := &s.sent
	if l.count == 0 {
		return true
	}
	size := s.size.packet()
	if !lost {
		size = min(size, fresh)
	}
	if l.bytes+size > s.congestion.window {
		s.congestion.onFull(l.next)
		return false
	}
	return uint64(l.count) < s.messages && uint64(l.bytes+size) <= s.bytes
}

// Next makes the next packet. If its data lie together in the send buffer, it is sealed
// from there at the beginning of room, which holds the largest packet, and size is what
// it has. Any other is left for the caller to seal, who need not keep the Stream from
// others for that: plaintext lies in room behind the header. Neither: there is nothing
// to send.
func (s *Stream) Next(now time.Time, room []byte) (size int, plaintext []byte) {
	if s.sent.largest > 0 {
		s.config.Sealer.Acknowledged(s.sent.largest - 1)
	}
	inside := room[s.config.Header : s.config.Header+s.config.MaxPacket]
	plaintext = s.build(now, s.config.Sealer.Next(now), inside)
	if len(plaintext) == 0 {
		return 0, nil
	}
	plaintext = s.padded(plaintext, inside)
	if &plaintext[0] != &inside[0] {
		return s.config.Sealer.Seal(room, plaintext), nil
	}
	return 0, plaintext
}

// NextOnPath makes a packet that asks whether a path works, or answers that, or both: the
// plaintext lies in room behind the header. A Size of 0 leaves a frame out.
func (s *Stream) NextOnPath(now time.Time, room []byte, challenge, response wire.Path) (plaintext []byte) {
	s.config.Sealer.Next(now)
	inside := room[s.config.Header : s.config.Header+s.config.MaxPacket]
	b := inside[:0]
	if challenge.Size > 0 {
		b = wire.AppendPathChallenge(b, challenge)
	}
	if response.Size > 0 {
		b = wire.AppendPathResponse(b, response)
	}
	s.stats.PacketsSent++
	return s.padded(b, inside)
}

// padded returns the plaintext with the zeros that it needs behind it, in room.
func (s *Stream) padded(plaintext, room []byte) []byte {
	size := min(s.config.PadSize, s.config.MaxPacket)
	if len(plaintext) >= size {
		return plaintext
	}
	clear(room[copy(room, plaintext):size])
	return room[:size]
}

// build returns the plaintext of the packet with the given number, made in room or
// in the send buffer; empty: there is nothing to send, and the number is not used.
func (s *Stream) build(now time.Time, number uint64, room []byte) []byte {
	p := sentPacket{number: number, at: now, probe: s.probe != probeNone}
	b := room[:0:min(len(room), s.size.packet())]
	b, eliciting := s.appendControl(b, now, &p)
	if s.wantsData(now) {
		b = s.appendData(b, &p)
	}
	push := len(b) == 0 && s.push.now
	if push {
		b = s.push.append(b)
	}
	if len(b) == 0 {
		return nil
	}
	since := s.push.shared.sent(now, len(b))
	if len(b) >= PushSize {
		s.push.filled()
	}
	s.stats.PacketsSent++
	s.sent.next = number + 1
	if eliciting || p.length > 0 {
		p.size = len(b) + s.config.Overhead
		s.forget()
		s.keepPace(now, &p)
		s.sent.add(p)
		if p.length > 0 && s.out.fresh() == 0 && len(s.out.lost) == 0 {
			s.congestion.onDry()
		}
		s.unheard = Earlier(s.unheard, now)
		s.stalled = Earlier(s.stalled, now)
	}
	if !push {
		s.pushBehind(now, since, &p, eliciting)
	}
	return b
}

// wantsData decides whether the packet being built may carry stream data. The
// first packet of a probe does not, so that it is small.
func (s *Stream) wantsData(now time.Time) bool {
	switch s.probe {
	case probePing:
		s.probe = probeNone
		if len(s.out.lost) > 0 || s.out.fresh() > 0 {
			s.probe = probeData
		}
		return false
	case probeData:
		s.probe = probeNone
		return true
	}
	return s.canSendData(now)
}

// appendControl adds everything but data: an ACK whenever there is news, then
// whatever the peer has to be told.
func (s *Stream) appendControl(b []byte, now time.Time, p *sentPacket) (_ []byte, eliciting bool) {
	b = s.appendAck(b, now, p)
	if s.out.finReady() {
		b = s.appendFin(b, p)
	}
	if s.stop.unsent() {
		b = wire.AppendStop(b)
		p.carry(&s.stop, controlStop)
	}
	if s.reset.unsent() {
		b = wire.AppendReset(b, s.resetCode)
		p.carry(&s.reset, controlReset)
	}
	if s.ping.unsent() || s.probe == probePing || p.control&controlCredit != 0 {
		b = wire.AppendPing(b)
		if s.ping.unsent() {
			p.carry(&s.ping, controlPing)
		}
		eliciting = true
	}
	return b, eliciting || p.control != 0
}

func (s *Stream) appendFin(b []byte, p *sentPacket) []byte {
	p.carry(&s.out.fin, controlFin)
	return wire.AppendFin(b, s.out.end)
}

func (s *Stream) appendAck(b []byte, now time.Time, p *sentPacket) []byte {
	resume := s.resume.unsent()
	if !resume && !s.reopen.unsent() && s.acks.pending == 0 {
		return b
	}
	s.in.advance(now, max(growthPeriod, 2*s.rtt.smoothed))
	s.ack.Credit = s.in.credit
	s.ack.GrantMessages, s.ack.GrantBytes = s.config.Grant(now)
	s.acks.fill(&s.ack, now, (s.size.packet()-ackRoom)/rangeRoom)
	if s.reopen.unsent() {
		p.carry(&s.reopen, controlCredit)
	}
	if resume {
		p.carry(&s.resume, controlResume)
		return wire.AppendResume(b, wire.Resume{Path: s.path, Count: s.resumes}, &s.ack)
	}
	return wire.AppendAck(b, &s.ack)
}

// appendData adds one STREAM frame, if there is data. The partial packet that
// exhausts the allowance asks for an ACK at once, as further small writes wait
// for it; what is sent again does not count.
func (s *Stream) appendData(b []byte, p *sentPacket) []byte {
	space := cap(b) - len(b) - 1
	offset, n, again := s.out.take(space)
	if n <= 0 {
		return b
	}
	p.offset, p.length = offset, n
	p.partial = !again && n == s.out.fresh() && n < space-frameRoom
	if again {
		s.stats.Retransmitted++
	}
	s.out.mark(offset, n)
	b = wire.AppendStreamHeader(b, offset, n)
	asks := p.partial && s.sent.partial+1 >= maxPartial
	ends := s.out.finReady() && cap(b)-len(b)-n >= frameRoom
	if !asks && !ends {
		if packet := s.inPlace(b, offset, n); packet != nil {
			return packet
		}
	}
	b = b[:len(b)+n]
	s.out.data.read(offset, b[len(b)-n:])
	if asks {
		b = wire.AppendPing(b)
	}
	if ends {
		b = s.appendFin(b, p)
	}
	return b
}

// inPlace returns the packet that begins with head and goes on with n bytes from
// offset on, made in the room before these in the send buffer; nil if there is none,
// or they do not lie together.
func (s *Stream) inPlace(head []byte, offset uint64, n int) []byte {
	packet := s.out.data.inPlace(offset, n, len(head))
	copy(packet, head)
	return packet
}
