package stream

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// receiverModel is a receiver kept as one bool for each byte of the stream.
type receiverModel struct {
	arrived             []bool
	next, read, highest uint64
	final               uint64
	hasFinal, discard   bool
}

// stream returns what the receiver has to answer.
func (m *receiverModel) stream(credit, offset, n uint64) (fresh bool, err error) {
	end := offset + n
	switch {
	case end > credit:
		return false, errCredit
	case m.hasFinal && end > m.final:
		return false, errFinal
	}
	m.highest = max(m.highest, end)
	for uint64(len(m.arrived)) < end {
		m.arrived = append(m.arrived, false)
	}
	for o := offset; o < end; o++ {
		fresh = fresh || !m.arrived[o]
		m.arrived[o] = true
	}
	for m.next < uint64(len(m.arrived)) && m.arrived[m.next] {
		m.next++
	}
	if m.discard {
		m.read = m.next
	}
	return fresh, nil
}

func (m *receiverModel) finish(credit, final uint64) error {
	switch {
	case final < m.highest || m.hasFinal && m.final != final:
		return errFinal
	case final > credit:
		return errCredit
	}
	m.final, m.hasFinal = final, true
	return nil
}

// testBlocks are filled by packets of about 60 KiB.
var testBlocks = NewBlocks(64 << 10)

// FuzzReceiver drives a receiver by an op-encoded input and compares it with
// the model: each operation is a byte that chooses it and two that say where
// and how much. Whatever happens, the budget is whole in the end.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0, 0, 10, 4, 0, 255})
	f.Add([]byte{0, 10, 10, 0, 0, 10, 4, 0, 255, 3, 20, 0, 4, 0, 255})
	f.Add([]byte{1, 0, 255, 1, 255, 255, 4, 0, 255, 5, 0, 0, 1, 128, 255, 6, 0, 0})
	f.Add([]byte{2, 0, 255, 4, 1, 255, 5, 0, 9, 2, 1, 255, 4, 2, 255, 5, 0, 9, 2, 2, 255, 3, 255, 255})
	f.Add([]byte{0, 1, 1, 0, 3, 1, 0, 5, 1, 0, 7, 1, 0, 0, 9, 4, 0, 3, 3, 4, 0, 6, 0, 0, 0, 8, 1})
	f.Add([]byte{7, 0, 240, 7, 0, 250, 4, 0, 100, 5, 0, 0, 7, 50, 235, 4, 3, 255, 7, 0, 255, 0, 9, 9, 7, 0, 240, 4, 3, 255})
	inTurn := bytes.Repeat([]byte{2, 0, 255, 4, 3, 255, 5, 0, 0}, 30) // the window grows
	f.Add(append(inTurn, bytes.Repeat([]byte{7, 1, 224, 2, 0, 1}, 100)...))
	f.Fuzz(func(t *testing.T, ops []byte) {
		now := time.Unix(1e9, 0)
		budget := NewBudget(testBudget)
		r := newReceiver(budget, now)
		m := new(receiverModel)
		for n := 0; len(ops) >= 3 && n < 300; n++ {
			now = now.Add(time.Duration(ops[1]) * ms)
			step(t, &r, m, ops[0]%8, uint64(ops[1]), int(ops[2]), now)
			compare(t, &r, m, budget)
			ops = ops[3:]
		}
		r.abandon()
		if heldIn(&r) > 0 || budget.Left() != testBudget {
			t.Fatalf("%d bytes of the budget are missing", testBudget-budget.Left())
		}
	})
}

func step(t *testing.T, r *receiver, m *receiverModel, op byte, where uint64, amount int, now time.Time) {
	switch op {
	case 0, 1, 2: // data: small steps from the read offset on, large ones, or in order
		offset := m.read + where
		if op == 1 {
			offset, amount = m.read+where*257, amount*64
		} else if op == 2 {
			offset, amount = m.next, amount*257
		}
		deliver(t, r, m, offset, amount, nil)
	case 7: // about in order, in a Block
		deliver(t, r, m, max(m.next+1, where)-where, amount*257, testBlocks.For(amount*257))
	case 3:
		final := m.highest + where
		if got, want := r.finish(final), m.finish(r.credit, final); !errors.Is(got, want) {
			t.Fatalf("finish(%d): %v, want %v", final, got, want)
		}
	case 4:
		p := make([]byte, amount*257*(1+int(where)%4))
		n, _ := r.take(p)
		if want := min(m.next-m.read, uint64(len(p))); uint64(n) != want || !bytes.Equal(p[:n], patterned(m.read, n)) {
			t.Fatalf("%d bytes were read, want %d, or they differ", n, want)
		}
		m.read += uint64(n)
	case 5:
		before := r.credit
		if r.advance(now, growthPeriod); r.credit < before {
			t.Fatalf("credit was withdrawn, from %d to %d", before, r.credit)
		}
	case 6:
		r.abandon()
		m.discard, m.read = true, m.next
	}
}

func deliver(t *testing.T, r *receiver, m *receiverModel, offset uint64, amount int, block *Block) {
	if amount == 0 {
		return
	}
	p := append(block.Bytes()[:0], patterned(offset, amount)...)
	r.opened = block
	defer r.freeOpened()
	fresh, err := r.stream(offset, p)
	wantFresh, wantErr := m.stream(r.credit, offset, uint64(amount))
	if fresh != wantFresh || !errors.Is(err, wantErr) {
		t.Fatalf("stream(%d, %d bytes): %v, %v, want %v, %v", offset, amount, fresh, err, wantFresh, wantErr)
	}
}

func compare(t *testing.T, r *receiver, m *receiverModel, budget *Budget) {
	if r.next != m.next || r.read != m.read || r.readable() != int(m.next-m.read) || r.complete() != (m.hasFinal && m.next == m.final) {
		t.Fatalf("in order up to %d, read %d, complete %v; want %d, %d", r.next, r.read, r.complete(), m.next, m.read)
	}
	held := heldIn(r)
	promised := min(r.credit, r.finalOr(r.credit)) - r.read
	switch lent := testBudget - budget.Left(); {
	case lent != int64(r.held):
		t.Fatalf("the budget lent %d, of which the receiver knows %d", lent, r.held)
	case promised > uint64(baseBuffer+r.held) && !m.discard:
		t.Fatalf("%d bytes of credit on a buffer of %d", promised, baseBuffer+r.held)
	case held > 0 && m.highest == m.read:
		t.Fatalf("%d bytes of memory are held for nothing", held)
	case uint64(held) > promised+promised/4+2*smallBlock+baseBuffer && !m.discard: // a Block is freed when all of it is read
		t.Fatalf("%d bytes of memory are held for %d bytes of credit", held, promised)
	}
}
