package engine

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// TestTurns compares with a slice.
func TestTurns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var turns turns
	var want []*Conn
	for range 10_000 {
		if random.IntN(100) < 52 {
			c := new(Conn)
			turns.push(c)
			want = append(want, c)
			continue
		}
		got := turns.pop()
		if len(want) == 0 {
			if got != nil {
				t.Fatal("a Conn from nowhere")
			}
			continue
		}
		if got != want[0] {
			t.Fatal("out of turn")
		}
		want = want[1:]
		if turns.count != len(want) {
			t.Fatalf("%d Conns, want %d", turns.count, len(want))
		}
	}
}

// Conns with packets of different sizes send the same number of bytes. One that
// was alone owes nothing for that.
func TestTurnsShareBytes(t *testing.T) {
	var q queue
	q.init(0)
	seated := func() *Conn { return &Conn{seats: make([]seat, 1)} }
	sizes := map[*Conn]int{seated(): 1 << 10, seated(): 5 << 10, seated(): 32 << 10}
	sent := map[*Conn]int{}
	serve := func(turns int) {
		for range turns {
			c := q.nextConn(true)
			sent[c] += max(sizes[c], turnSize)
			q.charge(c, sizes[c])
			q.schedule(c, stream.Data)
		}
	}
	for c, size := range sizes {
		if size == 32<<10 {
			q.schedule(c, stream.Data)
		}
	}
	serve(1000)
	clear(sent)
	for c := range sizes {
		q.schedule(c, stream.Data)
	}
	serve(10_000)
	least, most := slices.Min(slices.Collect(maps.Values(sent))), slices.Max(slices.Collect(maps.Values(sent)))
	if len(sent) != len(sizes) || most-least > 2*32<<10 {
		t.Errorf("from %d to %d bytes were sent", least, most)
	}
}
