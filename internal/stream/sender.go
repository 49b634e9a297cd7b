package stream

import "github.com/mqtt-e2e/mqtte2e/internal/wire"

const (
	// baseBuffer is what every stream may hold in each direction, whatever
	// the budgets say; also the credit that a peer has before the first ACK.
	baseBuffer = 64 << 10
	// maxBuffer is the most that one stream may hold in one direction: twice
	// the usual window, so that a lost message does not stall what follows.
	maxBuffer = 8 << 20
)

// manyPackets is how many packets have to wait before the next one may be
// smaller than it could be: one more among so many hardly counts.
const manyPackets = 8

// maxStreamHeader is the size of the largest STREAM header, bytes.
const maxStreamHeader = 1 + 8 + 4

// sender is the outgoing half: it holds what was written from the first byte
// that the peer has not acknowledged. Its buffer is bounded by baseBuffer and
// what the budget lends; a full buffer makes Write wait.
type sender struct {
	data   sendBuffer
	budget *Budget
	held   int // bytes borrowed from the budget

	acked  ranges // stream offsets the peer has, above una
	lost   ranges // stream offsets to send again
	una    uint64 // lowest unacknowledged offset
	sent   uint64 // end of what was sent at least once
	end    uint64 // end of what was written
	credit uint64 // the peer takes offsets below this
	closed bool   // no more will be written
	fin    signal // the end of the stream, sent once everything else was
}

// write copies what there is room for. packet is the size of a full packet, and
// want how many bytes the path could use at once, which limits what is borrowed.
func (s *sender) write(p []byte, packet, want int) int {
	if s.closed {
		return 0
	}
	s.borrow(len(p), want)
	n := min(len(p), s.space())
	if n > 0 {
		s.data.write(s.end, p[:n], packet, s.buffered())
		s.end += uint64(n)
	}
	return n
}

func (s *sender) buffered() int { return int(s.end - s.una) }
func (s *sender) space() int    { return max(baseBuffer+s.held-s.buffered(), 0) }

// borrow reserves room for n bytes more, in steps of baseBuffer.
func (s *sender) borrow(n, want int) {
	for s.space() < n && s.held < min(want, maxBuffer)-baseBuffer {
		more := s.budget.share(s.held, baseBuffer)
		if more == 0 {
			return
		}
		s.held += more
	}
}

// acknowledge takes [start, end) as received by the peer.
func (s *sender) acknowledge(start, end uint64) {
	s.lost.remove(start, end)
	if start <= s.una && end > s.una {
		s.una = end
	} else if start > s.una {
		s.acked.add(start, end)
	}
	for len(s.acked) > 0 && s.acked[0].start <= s.una {
		s.una = max(s.una, s.acked[0].end)
		s.acked = append(s.acked[:0], s.acked[1:]...)
	}
	s.shrink()
}

// shrink gives back the memory and the budget that are no longer needed.
func (s *sender) shrink() {
	if s.buffered() == 0 {
		s.data.release()
		s.acked, s.lost = nil, nil
	} else {
		s.data.discard(s.una)
	}
	for s.held >= baseBuffer && s.buffered() <= s.held {
		s.held -= baseBuffer
		s.budget.give(baseBuffer)
	}
}

// lose marks [start, end) to be sent again, but for what the peer has.
func (s *sender) lose(start, end uint64) {
	start = max(start, s.una)
	s.lost.add(start, end)
	for _, a := range s.acked {
		s.lost.remove(a.start, a.end)
	}
}

// abandon drops everything: the peer discards it, or is gone. The end of the
// stream, which may lie beyond the peer's credit, is not announced any more.
func (s *sender) abandon() {
	s.closed = true
	s.fin.drop()
	s.una, s.sent = s.end, s.end
	s.shrink()
}

// delivered reports whether the peer has everything, and knows that it ended.
func (s *sender) delivered() bool { return s.buffered() == 0 && s.fin.acked() }

// fresh is how many bytes were never sent and may be, by the peer's credit.
func (s *sender) fresh() int {
	return int(min(s.end, max(s.credit, s.sent)) - s.sent)
}

// blocked reports whether only the peer's credit holds data back.
func (s *sender) blocked() bool { return s.sent < s.end && s.credit <= s.sent }

// finReady reports whether the end of the stream can be announced: every byte
// before it was sent, though perhaps not acknowledged.
func (s *sender) finReady() bool { return s.closed && s.sent == s.end && s.fin.unsent() }

// take chooses the next segment to send, at most limit bytes with their header:
// what was lost first. again tells that it was sent before. When many packets
// wait, large ones end with a segment, so that the next ones are whole segments and
// need not be put together.
func (s *sender) take(limit int) (offset uint64, n int, again bool) {
	offset, n = s.sent, s.fresh()
	if len(s.lost) > 0 {
		offset, n, again = s.lost[0].start, int(s.lost[0].end-s.lost[0].start), true
	}
	if n >= manyPackets*limit && s.data.alike(limit) {
		return offset, s.data.whole(offset, limit-maxStreamHeader), again
	}
	n = min(n, limit)
	return offset, min(n, limit-wire.StreamHeaderLen(offset, n)), again
}

// mark takes note that a segment was sent.
func (s *sender) mark(offset uint64, n int) {
	s.lost.remove(offset, offset+uint64(n))
	s.sent = max(s.sent, offset+uint64(n))
}
