package stream

import (
	"testing"
	"time"
)

// fill delivers n bytes from offset on in packets of 1000, and takes whatever
// ACKs they cause.
func (p *peer) fill(offset uint64, n int) {
	p.Helper()
	for n > 0 {
		size := min(n, testPacket)
		p.deliver(data(offset, size))
		offset += uint64(size)
		n -= size
		if p.s.Pending(p.now) != Idle {
			p.next()
		}
	}
	p.pass(maxAckDelay)
	p.drain()
}

func TestReopenedCreditIsToldReliably(t *testing.T) {
	p := newPeer(t)
	p.fill(0, baseBuffer)
	if p.last.Credit != baseBuffer {
		t.Fatalf("credit %d although nothing was read", p.last.Credit)
	}
	p.wantNoTimer("everything was said")
	p.read(baseBuffer/4 - 1)
	p.wantIdle("less than a quarter of the window")
	p.read(1)
	n := p.want("the peer is out of credit", "ACK 0-65, PING")
	if p.last.Credit != baseBuffer*5/4 {
		t.Errorf("credit %d, want a quarter more", p.last.Credit)
	}
	p.timer("unanswered", 325*ms)
	p.want("repeated", "ACK 0-65, PING")
	p.read(baseBuffer / 2)
	p.want("more", "ACK 0-65, PING")
	if p.last.Credit != baseBuffer*3/4+4*baseBuffer {
		t.Errorf("credit %d, want a window that grew", p.last.Credit)
	}
	p.pass(testRTT)
	p.deliver(p.ack(n)) // the first of them says nothing about the last
	p.timer("unanswered", p.s.probeAt().Sub(p.now))
	n = p.want("the last is repeated", "ACK 0-66, PING")
	p.deliver(p.ack(n))
	p.wantNoTimer("answered")
}

func TestLostCreditIsRepeatedWithoutAProbe(t *testing.T) {
	p := newPeer(t)
	p.fill(0, baseBuffer)
	p.read(baseBuffer / 2)
	p.want("reopened", "ACK 0-65, PING")
	p.write(1)
	n := p.want("later packet", "STREAM 0+1")
	p.pass(testRTT)
	p.deliver(p.ack(n))
	p.timer("time threshold", 12500*time.Microsecond)
	p.want("repeated", "ACK 0-66, PING")
}

// A peer with half of its window left hears of more with the next ACK.
func TestCreditIsNotUrgentWithHalfAWindowLeft(t *testing.T) {
	p := newPeer(t)
	p.fill(0, baseBuffer/2)
	p.read(baseBuffer / 2)
	p.wantIdle("half of the window is left")
	p.deliver(data(baseBuffer/2, 1))
	p.timer("no other comes", 25*ms)
	p.next()
	if p.last.Credit <= baseBuffer {
		t.Error("the next ACK tells of no new credit")
	}
}

// The window grows while the application keeps up, up to maxBuffer, and the
// credit is what the budget lends and the base.
func TestCreditGrows(t *testing.T) {
	p := newPeer(t)
	offset := uint64(0)
	for p.s.in.window < maxBuffer {
		n := p.s.in.window/2 + testPacket
		p.fill(offset, n)
		p.read(n)
		offset += uint64(n)
		before := p.s.in.credit
		p.fill(offset, 1)
		p.read(1)
		offset++
		if p.s.in.credit <= before || p.last.Credit != p.s.in.credit {
			t.Fatalf("credit %d after %d", p.last.Credit, before)
		}
		if lent := testBudget - p.readBudget.Left(); int(lent) != p.s.in.window-baseBuffer {
			t.Fatalf("a window of %d bytes, but the budget lent %d", p.s.in.window, lent)
		}
		if p.now.Sub(time.Unix(1e9, 0)) > time.Minute {
			t.Fatal("the window does not grow")
		}
	}
	p.s.Close()
	if p.readBudget.Left() != testBudget {
		t.Errorf("%d bytes are still lent after Close", testBudget-p.readBudget.Left())
	}
}

func TestSlowReaderGetsNoLargerWindow(t *testing.T) {
	p := newPeer(t)
	for i := range uint64(20) {
		p.fill(i*baseBuffer/2, baseBuffer/2)
		p.pass(growthPeriod)
		p.read(baseBuffer / 2)
	}
	if p.s.in.window != baseBuffer || p.readBudget.Left() != testBudget {
		t.Errorf("the window is %d bytes", p.s.in.window)
	}
}

// On a long path half a window takes half a round trip at best.
func TestCreditGrowsOnLongPaths(t *testing.T) {
	p := newPeer(t)
	for range 50 {
		p.s.seed(2 * time.Second)
	}
	for i := range uint64(3) {
		p.fill(i*baseBuffer, baseBuffer)
		p.pass(2 * time.Second)
		p.read(baseBuffer)
		p.drain()
	}
	if p.s.in.window == baseBuffer {
		t.Error("the window never grew")
	}
}

func TestSpentBudgetLeavesTheBase(t *testing.T) {
	p := newPeer(t)
	other := NewBudget(0)
	p.s.in.budget, p.s.out.budget = other, other
	for i := range uint64(20) {
		p.fill(i*baseBuffer, baseBuffer)
		p.read(baseBuffer)
		p.drain()
		if p.last.Credit != (i+2)*baseBuffer {
			t.Fatalf("credit %d after %d bytes were read", p.last.Credit, (i+1)*baseBuffer)
		}
	}
	p.s.congestion.window = maxBuffer
	if n := p.s.Write(make([]byte, 2*baseBuffer)); n != baseBuffer {
		t.Errorf("Write took %d bytes, want the base", n)
	}
}

// However many streams hold on to what they borrowed, some is left for others.
func TestBudgetIsShared(t *testing.T) {
	b := NewBudget(testBudget)
	var held [40]int
	for i := range held {
		for {
			n := b.share(held[i], maxBuffer-baseBuffer-held[i])
			if n == 0 {
				break
			}
			held[i] += n
		}
		if int64(held[i]) > b.Left()+2*baseBuffer {
			t.Errorf("stream %d holds %d of the budget and leaves %d", i, held[i], b.Left())
		}
	}
	if held[0] < maxBuffer/2 || held[4] < maxBuffer/2 || held[8] < 8*baseBuffer {
		t.Errorf("streams hold %v", held)
	}
	if b.share(0, 0) != 0 || b.share(0, -1) != 0 || NewBudget(-5).share(0, 1<<20) != 0 {
		t.Error("there is something to share")
	}
}

// A stream that ended gives back what it borrowed as it is read.
func TestEndedStreamReturnsTheBudget(t *testing.T) {
	p := newPeer(t)
	offset := uint64(0)
	for p.s.in.window < maxBuffer/4 {
		n := p.s.in.window/2 + testPacket
		p.fill(offset, n)
		p.read(n)
		offset += uint64(n)
	}
	n := 20 * baseBuffer
	p.fill(offset, n)
	p.deliver(fin(offset + uint64(n)))
	p.drain()
	for n > 0 {
		if lent := int(testBudget - p.readBudget.Left()); lent != max(n-baseBuffer, 0) {
			t.Fatalf("%d bytes are lent for %d to be read", lent, n)
		}
		p.read(baseBuffer)
		n -= baseBuffer
	}
	if _, end := readable(p.s); !end || p.readBudget.Left() != testBudget {
		t.Errorf("%d bytes are still lent", testBudget-p.readBudget.Left())
	}
}

func TestSendBufferFollowsTheWindow(t *testing.T) {
	p := newPeer(t)
	p.credit = 1 << 40
	p.deliver(p.ack())
	p.s.congestion.window = 1 << 20
	if n := p.s.Write(make([]byte, 8<<20)); n != 2<<20 {
		t.Errorf("Write took %d bytes, want two windows", n)
	}
	p.s.congestion.window = 64 << 20
	if n := p.s.Write(make([]byte, 16<<20)); n != 6<<20 {
		t.Errorf("Write took %d bytes more, want to fill 8 MiB", n)
	}
	p.s.Abandon(false)
	if p.sendBudget.Left() != testBudget {
		t.Errorf("%d bytes are still lent", testBudget-p.sendBudget.Left())
	}
}
