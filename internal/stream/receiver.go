package stream

import (
	"errors"
	"fmt"
	"time"
)

// maxGaps bounds the separate list of out-of-order data that a receiver
// keeps. A message that would open one more is ignored, and so sent again.
const maxGaps = 512

// growthFactor is by how much the window grows at a time: more than the
// sender's window does in a round trip, so that credit never slows its start.
const growthFactor = 4

// growthPeriod, or two round trips if that is more, is within which half a
// window has to be consumed for the window to grow: a stream that takes longer
// does not fill its window.
const growthPeriod = 500 * time.Millisecond

var (
	errCredit = errors.New("the peer sent beyond the credit it was given")
	errFinal  = errors.New("the peer moved the end of its stream")
	errUnsent = errors.New("the peer acknowledged a packet that was not sent")
	errGaps   = errors.New("too many gaps")
)

// receiver is the incoming half: it holds what arrived and was not yet read.
// The credit it gives bounds its buffer: baseBuffer and what the budget lends,
// up to maxBuffer.
type receiver struct {
	inOrder segmentQueue // what came in large packets, in order
	data    buffer       // what else came
	opened  *Block       // where the packet at hand lies, until it is kept there; nil: elsewhere
	budget  *Budget
	held    int // bytes borrowed from the budget

	received ranges // stream offsets above next
	read     uint64 // the application took everything below
	next     uint64 // everything below has arrived
	highest  uint64 // end of the farthest data that arrived
	credit   uint64 // what the peer was told it may send up to
	window   int    // how much credit is given beyond read
	// Since periodStart the application has read what lies above periodRead.
	periodRead  uint64
	periodStart time.Time

	final    uint64 // length of the whole stream, once hasFinal
	hasFinal bool
	discard  bool // the application is gone: acknowledge, store nothing
}

func newReceiver(budget *Budget, now time.Time) receiver {
	return receiver{budget: budget, window: baseBuffer, credit: baseBuffer, periodStart: now}
}

// stream takes in data at offset and reports whether any of it was new.
func (r *receiver) stream(offset uint64, p []byte) (fresh bool, err error) {
	end := offset + uint64(len(p))
	switch {
	case end > r.credit:
		return false, fmt.Errorf("%w: offset %d of %d", errCredit, end, r.credit)
	case r.hasFinal && end > r.final:
		return false, errFinal
	case len(r.received) >= maxGaps && offset > r.next && !r.received.touches(offset, end):
		return false, errGaps
	case end <= r.next:
		return false, nil
	}
	if offset < r.next {
		p, offset = p[r.next-offset:], r.next
	}
	r.highest = max(r.highest, end)
	return r.store(offset, p), nil
}

func (r *receiver) store(offset uint64, p []byte) bool {
	end := offset + uint64(len(p))
	switch {
	case r.discard:
	case r.keeps(offset, end):
		r.inOrder.push(segment{offset, p, r.opened})
		r.opened = nil
	default:
		r.data.write(offset, p)
	}
	if offset > r.next {
		return r.received.add(offset, end)
	}
	r.next = end
	for len(r.received) > 0 && r.received[0].start <= r.next {
		r.next = max(r.next, r.received[0].end)
		r.received = append(r.received[:0], r.received[1:]...)
	}
	if r.discard {
		r.read = r.next
	}
	return true
}

// keeps reports whether the data of the packet at hand can stay where it is.
// Many small packets among the large ones have a block each, which must not add
// up to more than a quarter of what there is to read.
func (r *receiver) keeps(offset, end uint64) bool {
	if r.opened == nil || !r.opened.pool.filledBy(int(end-offset)) || offset != r.next || len(r.received) > 0 && end > r.received[0].start {
		return false
	}
	memory := (r.inOrder.count()+1)*r.opened.pool.size + r.data.held*smallBlock
	return memory <= 5*(int(end-r.read)/4)+baseBuffer
}

// freeOpened frees the Block of the packet at hand if it was not kept.
func (r *receiver) freeOpened() {
	r.opened.Free()
	r.opened = nil
}

// finish learns the length of the stream.
func (r *receiver) finish(final uint64) error {
	switch {
	case final < r.highest || r.hasFinal && final != r.final:
		return errFinal
	case final > r.credit:
		return fmt.Errorf("%w: end %d of %d", errCredit, final, r.credit)
	}
	r.final, r.hasFinal = final, true
	return nil
}

// complete reports whether everything up to the end has arrived.
func (r *receiver) complete() bool { return r.hasFinal && r.next == r.final }

func (r *receiver) readable() int { return int(r.next - r.read) }

// take copies out what can be read and reports whether the peer, near the end
// of its credit, has to hear of more at once.
func (r *receiver) take(p []byte) (n int, reopened bool) {
	n = min(len(p), r.readable())
	r.copyOut(p[:n])
	if r.read == r.next && len(r.received) == 0 {
		r.data.release()
	} else {
		r.data.discard(r.read)
	}
	if r.hasFinal {
		r.settle()
	}
	return n, r.starved()
}

// copyOut fills p with what follows.
func (r *receiver) copyOut(p []byte) {
	for len(p) > 0 {
		n, before := r.inOrder.read(r.read, p)
		if n == 0 {
			n = int(min(uint64(len(p)), before))
			r.data.read(r.read, p[:n])
		}
		p = p[n:]
		r.read += uint64(n)
	}
}

// starved reports whether less than half of the window is left to the peer,
// although a quarter more could be given.
func (r *receiver) starved() bool {
	window := uint64(r.window)
	left, granted := r.credit-r.highest, r.credit-r.read
	return !r.hasFinal && !r.discard && left < window/2 && granted <= window-window/4
}

// advance moves the credit up to the window. The window grows, while the budget
// lasts, whenever the application consumed half of it within period; a slower
// one could not use more.
func (r *receiver) advance(now time.Time, period time.Duration) {
	if r.hasFinal || r.discard {
		r.settle()
		return
	}
	if r.read-r.periodRead >= uint64(r.window/2) {
		if now.Sub(r.periodStart) < period {
			more := r.budget.share(r.held, min(r.window*(growthFactor-1), maxBuffer-r.window))
			r.held += more
			r.window += more
		}
		r.periodRead, r.periodStart = r.read, now
	}
	r.credit = max(r.credit, r.read+uint64(r.window))
}

// settle returns the budget beyond what the peer may still make us hold.
func (r *receiver) settle() {
	need := 0
	if !r.discard {
		need = max(int(min(r.credit, r.finalOr(r.credit))-r.read)-baseBuffer, 0)
	}
	if excess := r.held - need; excess > 0 {
		r.held -= excess
		r.budget.give(excess)
	}
}

func (r *receiver) finalOr(otherwise uint64) uint64 {
	if r.hasFinal {
		return r.final
	}
	return otherwise
}

// abandon drops what was not read and stores nothing from now on.
func (r *receiver) abandon() {
	r.discard = true
	r.inOrder.release()
	r.data.release()
	r.read = r.next
	r.settle()
}
