package record

import (
	"math/rand/v2"
	"testing"
)

// naiveWindow remembers every number.
type naiveWindow struct {
	next uint64
	seen map[uint64]bool
}

func (w *naiveWindow) contains(number uint64) bool {
	return w.seen[number] || number < w.next && w.next-number > windowSize
}

func (w *naiveWindow) add(number uint64) {
	w.seen[number] = true
	w.next = max(w.next, number+1)
}

// receive hands a number to both windows and tells whether they agree.
func receive(w *window, model *naiveWindow, number uint64) bool {
	known := model.contains(number)
	if w.contains(number) != known {
		return false
	}
	if !known {
		w.add(number)
		model.add(number)
	}
	return w.contains(number) && w.next == model.next
}

func TestWindowAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 40 {
		w, model := new(window), &naiveWindow{seen: map[uint64]bool{}}
		reach := 1 + r.Uint64N(3*windowSize)
		jump := 1 + r.IntN(2000)
		for range 20000 {
			number := max(model.next+r.Uint64N(200), reach) - r.Uint64N(reach)
			if r.IntN(jump) == 0 {
				number = model.next + r.Uint64N(1<<21)
			}
			if !receive(w, model, number) {
				t.Fatalf("number %d, highest %d: the window and the model differ", number, model.next)
			}
		}
	}
}

// At every alignment of the highest number the window reaches back exactly windowSize numbers.
func TestWindowEdges(t *testing.T) {
	for base := range uint64(2 * wordBits) {
		w := new(window)
		highest := windowSize + base
		w.add(highest)
		if !w.contains(highest - windowSize) {
			t.Errorf("highest %d: %d is inside", highest, highest-windowSize)
		}
		for _, number := range []uint64{highest - windowSize + 1, highest - 1, highest + 1} {
			if w.contains(number) {
				t.Errorf("highest %d: %d counts as received", highest, number)
			}
		}
	}
}

// FuzzWindow reads a sequence of numbers, two bytes each: how far from the highest, in steps of up to a few windows.
func FuzzWindow(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0})
	f.Add([]byte{0x7f, 0xff, 0x80, 0, 0xff, 0xff, 0, 0})
	f.Add([]byte{0x20, 0, 0xe0, 0, 0xdf, 0xff, 0xe0, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		w, model := new(window), &naiveWindow{seen: map[uint64]bool{}}
		for len(steps) >= 2 {
			step := int64(int16(uint16(steps[0])<<8 | uint16(steps[1])))
			steps = steps[2:]
			if number := int64(model.next) + step; number >= 0 && !receive(w, model, uint64(number)) {
				t.Fatalf("number %d: the window and the model differ", number)
			}
		}
	})
}
