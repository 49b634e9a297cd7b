//go:build !race

package engine

import "testing"

// TestSteadyConnDoesNotAllocate covers the whole way of a packet at both ends.
// The race detector makes pools forget.
func TestSteadyConnDoesNotAllocate(t *testing.T) {
	p := newPath(t, 4<<10)
	b := make([]byte, 32<<10)
	for range 100 {
		p.carry(b)
	}
	before := p.packets()
	allocations := testing.AllocsPerRun(100, func() { p.carry(b) })
	if perPacket := allocations * 101 / float64(p.packets()-before); perPacket > 0.5 {
		t.Errorf("%.2f allocations a packet", perPacket)
	}
}
