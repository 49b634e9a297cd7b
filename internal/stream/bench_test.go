package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// A belt is two streams that hand each other their packets at once.
type belt struct {
	a, b   *Stream
	now    time.Time
	number [2]uint64 // of the next packet of a and of b
	room   []byte    // for a packet
	opened []byte    // for a small one that was received
	blocks *Blocks   // for large ones
	data   []byte    // for what b's application reads
	packet []byte    // for a packet made by hand
	ranges [1]wire.Range
}

func newBelt(packet int) *belt {
	config := Config{Sealer: new(plainSealer),
		MaxPacket: packet, Overhead: testOverhead,
		SendBudget: NewBudget(testBudget), ReceiveBudget: NewBudget(testBudget),
		Grant: func(time.Time) (uint64, uint64) { return 128, 4 << 20 }, Blocks: NewBlocks(packet),
	}
	now := time.Unix(1e9, 0)
	return &belt{
		a: New(config, now), b: New(config, now), now: now, blocks: config.Blocks,
		room: make([]byte, packet), opened: make([]byte, packet), data: make([]byte, 32<<10),
	}
}

// carry moves p from a's application to b's, and every ACK back.
func (t *belt) carry(tb testing.TB, p []byte) {
	for left := p; len(left) > 0; {
		n := t.a.Write(left)
		left = left[n:]
		moved := t.drain(tb, t.a, t.b, &t.number[0])
		for read(t.b, t.data) > 0 {
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
		packet := next(from, t.now, *number, t.room)
		if len(packet) == 0 {
			break
		}
		into, block := t.opened, t.blocks.For(len(packet))
		if block != nil {
			into = block.Bytes()
		}
		opened := into[:copy(into, packet)] // in place of sealing and opening
		if _, err := to.Receive(t.now, *number, opened, block); err != nil {
			tb.Fatal(err)
		}
		*number++
		packets++
	}
	return packets
}

// TestSteadyStreamDoesNotAllocate writes what makes several packets, with their ACKs, at both ends.
func TestSteadyStreamDoesNotAllocate(t *testing.T) {
	if simtest.Race {
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

const benchPacket = 60<<10 - testOverhead

// BenchmarkSend is Write and Next of full packets, acknowledged at once.
func BenchmarkSend(b *testing.B) {
	p := newBelt(benchPacket)
	p.a.congestion.window, p.a.bytes = 4<<20, 4<<20
	p.a.out.credit = 1 << 60
	data := make([]byte, benchPacket)
	b.SetBytes(benchPacket)
	b.ReportAllocs()
	for b.Loop() {
		first := p.number[0]
		if p.a.Write(data) != len(data) {
			b.Fatal("the buffer is full")
		}
		p.send()
		p.acknowledge(b, p.number[0]-1, p.number[0]-first)
	}
}

// send takes all packets that a has, and nobody receives them.
func (t *belt) send() {
	for t.a.Pending(t.now) != Idle {
		if len(next(t.a, t.now, t.number[0], t.room)) > 0 {
			t.number[0]++
		}
	}
}

// acknowledge hands a an ACK for the last n of the packets up to number.
func (t *belt) acknowledge(tb testing.TB, number, n uint64) {
	ack := wire.Ack{Credit: 1 << 60, GrantMessages: 128, GrantBytes: 4 << 20, Ranges: t.ranges[:1]}
	ack.Ranges[0] = wire.Range{Smallest: number + 1 - n, Largest: number}
	t.packet = wire.AppendAck(t.packet[:0], &ack)
	if _, err := t.a.Receive(t.now, t.number[1], t.packet, nil); err != nil {
		tb.Fatal(err)
	}
	t.number[1]++
}

// BenchmarkReceive is Receive and Read of full packets, and the ACKs for them.
func BenchmarkReceive(b *testing.B) {
	p := newBelt(benchPacket)
	data := make([]byte, benchPacket-20)
	offset := uint64(0)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		p.packet = append(wire.AppendStreamHeader(p.packet[:0], offset, len(data)), data...)
		if _, err := p.a.Receive(p.now, p.number[1], p.packet, nil); err != nil {
			b.Fatal(err)
		}
		p.number[1]++
		offset += uint64(len(data))
		for read(p.a, p.data) > 0 {
		}
		p.send()
	}
}

// BenchmarkAcknowledge is what one ACK for 16 of 128 packets in flight costs,
// with the sending of 16 more.
func BenchmarkAcknowledge(b *testing.B) {
	p := newBelt(1000)
	p.a.congestion.window, p.a.messages = 4<<20, 128
	p.a.out.credit = 1 << 60
	data := make([]byte, 512<<10)
	b.ReportAllocs()
	for b.Loop() {
		p.a.Write(data)
		p.send()
		p.acknowledge(b, p.a.sent.packets[15].number, 16)
	}
}
