package stream

import (
	"bytes"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// newBulk returns the peer of a stream with packets of this size, which may
// send as much as it likes.
func newBulk(t *testing.T, packet int) *peer {
	p := newPeerSize(t, packet)
	p.s.congestion.window = 8 << 20
	p.credit, p.grant = 1<<40, 8<<20
	p.deliver(p.ack())
	return p
}

// TestLargePacketsAreSealedWhereTheyLie writes for many full packets, with an
// ACK in some of them: none is put together from two segments, and what stood
// before a packet's data is as it was.
func TestLargePacketsAreSealedWhereTheyLie(t *testing.T) {
	const size, written, last = 32<<10 - testOverhead, 2 << 20, manyPackets << 15
	p := newBulk(t, size)
	p.write(written)
	for p.s.Pending(p.now) != Idle {
		if p.number%3 == 0 {
			p.deliver(ping)
		}
		packet := next(p.s, p.now, p.number, p.room)
		if err := wire.Parse(packet, new(wire.Ack), &describer{peer: p}); err != nil { // which compares the data
			t.Fatal(err)
		}
		if !p.s.config.Sealer.(*plainSealer).apart && p.s.out.sent < written-last {
			t.Errorf("packet %d, of %d bytes, was copied", p.number, len(packet))
		}
		if len(packet) < size-headroom && p.s.out.sent < written {
			t.Errorf("packet %d has %d bytes of %d", p.number, len(packet), size)
		}
		p.number++
	}
	again := make([]byte, written)
	if p.s.out.data.read(0, again); p.s.out.sent != written || !bytes.Equal(again, patterned(0, written)) {
		t.Errorf("%d of %d bytes were sent, or are not what was written any more", p.s.out.sent, written)
	}
}

// TestLongAcksMakeNoRunts sends in bulk while each packet carries an ACK with
// as many ranges as there can be: what does not fit beside it does not become a
// packet of its own.
func TestLongAcksMakeNoRunts(t *testing.T) {
	for _, run := range []int{1, 70} { // which takes one byte in an ACK, or two
		const size, written = 32<<10 - testOverhead, 2 << 20
		p := newBulk(t, size)
		for range wire.MaxRanges {
			for range run {
				p.deliver(p.ack())
			}
			p.theirs += 100 // are lost
		}
		p.write(written)
		for i := 0; p.s.Pending(p.now) != Idle; i++ {
			p.deliver(ping)
			p.next()
			if sent := p.s.sent.packets[len(p.s.sent.packets)-1].size; sent < size-1000 && p.s.out.sent < written {
				t.Errorf("ranges of %d: packet %d has %d bytes", run, i, sent)
			}
		}
	}
}

// TestBurstsTakeNoMorePacketsThanTheyNeed writes in bursts of a few packets
// while the end of the last burst is still in flight.
func TestBurstsTakeNoMorePacketsThanTheyNeed(t *testing.T) {
	const size, rounds = 32<<10 - testOverhead, 100
	for _, burst := range []int{20 << 10, 62 << 10, 65000, 127 << 10, 200000} {
		p := newBulk(t, size)
		packets := 0
		for range rounds {
			p.write(burst)
			packets += p.drain()
			p.pass(testRTT / 2)
			p.deliver(p.ack(all(0, max(p.number, 2)-2)...))
		}
		if need := (burst + size - 1) / (size - 20); packets > rounds*need {
			t.Errorf("%d packets for %d bursts of %d bytes, which need %d each", packets, rounds, burst, need)
		}
	}
}

// TestSmallWritesFillLargePackets writes 32 KiB at a time for messages of 1 MiB.
func TestSmallWritesFillLargePackets(t *testing.T) {
	const size, written = 1<<20 - testOverhead, 4 << 20
	p := newBulk(t, size)
	for range written / (32 << 10) {
		p.write(32 << 10)
	}
	if packets := p.drain(); packets > written/size+1 {
		t.Errorf("%d packets for %d bytes", packets, written)
	}
}

// TestTheLastByteHoldsNoMoreThanTheBase acknowledges all but the last byte of
// what messages of 1 MiB carried.
func TestTheLastByteHoldsNoMoreThanTheBase(t *testing.T) {
	p := newBulk(t, 1<<20-testOverhead)
	p.write(600 << 10)
	p.drain()
	p.write(1)
	p.deliver(p.ack(all(0, p.number-1)...))
	if held := heldSegments(&p.s.out.data); p.s.out.buffered() != 1 || held > baseBuffer {
		t.Errorf("%d bytes hold %d of memory", p.s.out.buffered(), held)
	}
}
