package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// Received is what a packet brought.
type Received struct {
	Packets      int       // that the peer acknowledged
	Acknowledged int       // bytes of these
	Data         bool      // it carried stream data
	Resumed      bool      // it carried a RESUME that is no repetition
	Path         uint8     // that this named, as the peer numbers it
	Challenge    wire.Path // it carried; Size 0: none
	Response     wire.Path // it carried; Size 0: none
}

// OfPaths reports whether the packet was about paths only.
func (r Received) OfPaths() bool { return r.Challenge.Size+r.Response.Size > 0 }

// Receive takes in the plaintext of an authenticated packet. If that lies in a
// Block, the stream owns it from now on. An error means that the peer broke the
// protocol, and the connection has to end.
func (s *Stream) Receive(now time.Time, number uint64, plaintext []byte, block *Block) (Received, error) {
	s.received = Received{}
	err := s.receive(now, number, plaintext, block)
	s.trace()
	return s.received, err
}

func (s *Stream) receive(now time.Time, number uint64, plaintext []byte, block *Block) error {
	s.in.opened = block
	defer s.in.freeOpened()
	if s.stats.PacketsReceived == 0 && s.config.FirstAnswers {
		s.seed(now.Sub(s.acks.epoch))
	}
	s.stats.PacketsReceived++
	v := &s.visitor
	v.now, v.number, v.eliciting, v.atOnce, v.err = now, number, false, false, nil
	if err := wire.Parse(plaintext, &s.parsed, v); err != nil {
		return fmt.Errorf("the peer sent a packet that makes no sense: %w", err)
	}
	if s.received.OfPaths() { // which says nothing about the path in use
		s.acks.setAside(number)
		return nil
	}
	s.unheard = time.Time{}
	if errors.Is(v.err, errGaps) {
		return nil
	}
	s.push.shared.received(len(plaintext))
	s.acks.receive(now, number, len(plaintext)+s.config.Overhead, v.eliciting, v.atOnce)
	return v.err
}

// visitor applies the frames of one packet to its stream.
type visitor struct {
	stream            *Stream
	now               time.Time
	number            uint64
	eliciting, atOnce bool
	err               error // the first frame that could not be applied
}

func (v *visitor) elicit(atOnce bool) {
	v.eliciting = true
	v.atOnce = v.atOnce || atOnce
}

func (v *visitor) fail(err error) {
	if v.err == nil {
		v.err = err
	}
}

// Stream implements wire.Visitor.
func (v *visitor) Stream(offset uint64, data []byte) {
	s := v.stream
	s.received.Data = true
	fresh, err := s.in.stream(offset, data)
	if !fresh && err == nil {
		s.stats.Duplicates++
	}
	v.elicit(!fresh)
	v.fail(err)
}

// Fin implements wire.Visitor.
func (v *visitor) Fin(final uint64) {
	s := v.stream
	v.elicit(true)
	v.fail(s.in.finish(final))
}

// Stop implements wire.Visitor.
func (v *visitor) Stop() {
	s := v.stream
	v.elicit(true)
	s.stopped = true
	s.refused = s.refused || s.out.buffered() > 0
	s.out.abandon()
}

// Reset implements wire.Visitor.
func (v *visitor) Reset(code uint64) {
	s := v.stream
	v.elicit(true)
	s.wasReset, s.peerCode = true, code
	s.stop.drop()
	s.out.abandon()
}

// Ping implements wire.Visitor.
func (v *visitor) Ping() { v.elicit(true) }

// Resume implements wire.Visitor: the peer was away, and whatever was sent
// before now and is not in its list went to nobody, as soon as it is older
// than a round trip. One that is repeated, or was overtaken so that its list is old, is
// an ACK: on a path that became slow everything would be taken for lost again and again.
func (v *visitor) Resume(r wire.Resume, a *wire.Ack) {
	s, l := v.stream, &v.stream.sent
	v.elicit(true)
	again := r.Count <= s.resumed
	if !again {
		s.resumed = r.Count
		s.received.Resumed, s.received.Path = true, r.Path
	}
	if !again && v.number >= s.grantedBy {
		l.eligible = l.next
		s.forgetPath()
	}
	l.backoff = 0
	s.restart = v.now
	v.Ack(a)
}

// PathChallenge implements wire.Visitor.
func (v *visitor) PathChallenge(p wire.Path) { v.stream.received.Challenge = p }

// PathResponse implements wire.Visitor.
func (v *visitor) PathResponse(p wire.Path) { v.stream.received.Response = p }

// Ack implements wire.Visitor.
func (v *visitor) Ack(a *wire.Ack) {
	s := v.stream
	if len(a.Ranges) > 0 && a.Ranges[0].Largest >= s.sent.next {
		v.fail(fmt.Errorf("%w: %d", errUnsent, a.Ranges[0].Largest))
		return
	}
	if a.Credit > s.out.credit {
		s.out.credit = a.Credit
		s.movedAt = v.now
		s.sent.backoff = 0
	}
	if v.number >= s.grantedBy {
		s.grantedBy = v.number
		s.messages = min(max(a.GrantMessages, 1), maxGrantMessages)
		s.bytes = min(a.GrantBytes, maxBuffer)
	}
	s.acknowledge(v.now, a)
	s.detectLoss(v.now)
}
