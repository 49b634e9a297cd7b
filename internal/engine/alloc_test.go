//go:build !race

package engine

import "testing"

// TestSteadyConnDoesNotAllocate covers the whole way of a packet at both ends.
// The race detector makes pools forget.
func TestSteadyConnDoesNotAllocate(t *testing.T) {
	for _, size := range []int{4 << 10, 20 << 10, 32 << 10, 60 << 10, 256 << 10} {
		p := newLoopback(t, size)
		b := make([]byte, 62<<10)
		for range 100 {
			p.carry(b)
		}
		before := p.packets()
		allocations := testing.AllocsPerRun(100, func() { p.carry(b) })
		if perPacket := allocations * 101 / float64(p.packets()-before); perPacket > 0.1 {
			t.Errorf("messages of %d bytes: %.2f allocations a packet", size, perPacket)
		}
	}
}
