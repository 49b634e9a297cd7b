package engine

import (
	"math/rand/v2"
	"testing"
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
