package stream

import (
	"fmt"
	"testing"
	"time"
)

// A belt is two streams that hand each other their packets at once.
type belt struct {
	a, b   *Stream
	now    time.Time
	number [2]uint64 // of the next packet of a and of b
	room   []byte    // for a packet
	data   []byte    // for what b's application reads
}

func newBelt(packet int) *belt {
	config := Config{
		MaxPacket: packet, Overhead: testOverhead,
		SendBudget: NewBudget(testBudget), ReceiveBudget: NewBudget(testBudget),
		Grant: func(time.Time) (uint64, uint64) { return 128, 4 << 20 },
	}
	now := time.Unix(1e9, 0)
	return &belt{a: New(config, now), b: New(config, now), now: now, room: make([]byte, packet), data: make([]byte, 32<<10)}
}

// carry moves p from a's application to b's, and every ACK back.
func (t *belt) carry(tb testing.TB, p []byte) {
	for left := p; len(left) > 0; {
		n := t.a.Write(left)
		left = left[n:]
		moved := t.drain(tb, t.a, t.b, &t.number[0])
		for t.b.Read(t.data) > 0 {
		}
		moved += t.drain(tb, t.b, t.a, &t.number[1])
		if n == 0 && moved == 0 {
			t.now = t.now.Add(ackDrained) // which lets b acknowledge
			t.b.Expire(t.now)
		}
	}
}

func (t *belt) drain(tb testing.TB, from, to *Stream, number *uint64) (packets int) {
	for from.Pending(t.now) != Idle {
		n := from.Next(t.now, *number, t.room)
		if n == 0 {
			break
		}
		if err := to.Receive(t.now, *number, t.room[:n]); err != nil {
			tb.Fatal(err)
		}
		*number++
		packets++
	}
	return packets
}

// TestSteadyStreamDoesNotAllocate writes what makes several packets, with their ACKs, at both ends.
func TestSteadyStreamDoesNotAllocate(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes pools forget")
	}
	belt := newBelt(1000)
	p := make([]byte, 32<<10)
	for range 100 {
		belt.carry(t, p)
	}
	packets := belt.number[0]
	allocations := testing.AllocsPerRun(100, func() { belt.carry(t, p) })
	perPacket := allocations * 101 / float64(belt.number[0]-packets)
	if perPacket > 0.1 {
		t.Errorf("%.2f allocations a packet", perPacket)
	}
}

// BenchmarkStream is sender and receiver without sealing: both copies in and both copies out.
func BenchmarkStream(b *testing.B) {
	for _, packet := range []int{1 << 10, 16 << 10, 60 << 10} {
		b.Run(fmt.Sprint(packet), func(b *testing.B) {
			belt := newBelt(packet - testOverhead)
			p := make([]byte, 32<<10)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				belt.carry(b, p)
			}
		})
	}
}
