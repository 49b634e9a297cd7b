package stream

import (
	"strings"
	"testing"
)

// state is what a Stream says about its end.
type state struct{ finished, settled, acknowledged, stalled, stopped, writeClosed bool }

func (p *peer) wantState(why string, want state) {
	p.Helper()
	s := p.s
	got := state{s.Status().Finished, s.Status().Settled, s.Status().Acknowledged, s.out.blocked(), s.Status().Stopped, s.Status().WriteClosed}
	if got != want {
		p.Errorf("%s:\nthe state is %+v,\nwant         %+v", why, got, want)
	}
}

func TestHalfCloseEachWay(t *testing.T) {
	p := newPeer(t)
	p.wantState("new", state{acknowledged: true})
	p.write(10)
	p.s.CloseWrite()
	p.wantState("closed for writing", state{writeClosed: true})
	n := p.want("data and its end together", "STREAM 0+10, FIN 10")
	if p.s.Write([]byte("x")) != 0 {
		t.Error("Write took data after CloseWrite")
	}
	p.deliver(p.ack(n))
	p.wantState("acknowledged", state{acknowledged: true, writeClosed: true})
	p.deliver(data(0, 5))
	p.deliver(fin(5))
	p.want("FIN is acknowledged at once", "ACK 0-2")
	p.wantState("ended both ways", state{finished: true, settled: true, acknowledged: true, writeClosed: true})
	if n, end := readable(p.s); n != 5 || !end {
		t.Errorf("%d bytes are readable, end %v", n, end)
	}
	p.read(5)
	p.s.Close()
	p.wantIdle("the peer needs to hear nothing more")
	p.wantNoTimer("it is over")
}

// FIN may arrive and be acknowledged while data before it is still missing:
// then nothing is over yet.
func TestFinWithoutItsData(t *testing.T) {
	p := newPeer(t)
	p.write(10)
	p.want("lost", "STREAM 0+10")
	p.s.CloseWrite()
	n := p.want("arrives", "FIN 10")
	p.deliver(fin(0))
	p.next()
	p.pass(testRTT)
	p.deliver(p.ack(n))
	p.wantState("data is missing", state{writeClosed: true})
	p.pass(testRTT)
	n = p.want("repeated", "STREAM 0+10")
	p.deliver(p.ack(n))
	p.wantState("all is there", state{finished: true, settled: true, acknowledged: true, writeClosed: true})
}

func TestEndArrivesBeforeTheData(t *testing.T) {
	p := newPeer(t)
	p.deliver(fin(10))
	if _, end := readable(p.s); end || p.s.Status().Settled {
		t.Error("the end counts before its data")
	}
	p.deliver(data(5, 5))
	p.deliver(data(0, 5))
	if n, end := readable(p.s); n != 10 || !end {
		t.Errorf("%d bytes are readable, end %v", n, end)
	}
	p.deliver(fin(10), data(3, 2))
	p.read(10)
}

func TestClose(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 100))
	p.write(10)
	p.s.Close()
	n := p.want("all at once", "ACK 0-0, STOP, STREAM 0+10, FIN 10")
	p.wantState("unanswered", state{writeClosed: true})
	p.deliver(p.ack(n))
	p.wantState("the peer knows", state{finished: true, acknowledged: true, writeClosed: true})
	p.deliver(data(100, 50))
	p.timer("later data is acknowledged", 25*ms)
	p.want("and discarded", "ACK 0-2")
	if n, _ := readable(p.s); n != 0 || heldIn(&p.s.in) > 0 || p.last.Credit != baseBuffer {
		t.Errorf("%d bytes are readable, credit %d", n, p.last.Credit)
	}
	p.deliver(data(200, 50))
	p.timer("also out of order", 25*ms)
	p.want("also out of order", "ACK 0-3")
	p.deliver(fin(250))
	p.next()
	p.deliver(data(150, 50))
	if !p.s.Status().Settled {
		t.Error("everything arrived")
	}
}

func TestPeerStops(t *testing.T) {
	p := newPeer(t)
	p.write(5000)
	p.drain()
	p.deliver(stop)
	p.want("acknowledged at once", "ACK 0-0")
	p.wantIdle("nobody reads what is left")
	p.wantState("stopped", state{acknowledged: true, stopped: true, writeClosed: true})
	if p.sendBudget.Left() != testBudget || heldSegments(&p.s.out.data) > 0 || p.s.Write([]byte("x")) != 0 {
		t.Error("the send buffer is still there")
	}
	p.deliver(data(0, 10), fin(10))
	p.next()
	p.wantState("ended", state{finished: true, settled: true, acknowledged: true, stopped: true, writeClosed: true})
	p.read(10)
	p.s.Close()
	p.wantIdle("a peer that stopped is not told")
}

// A peer that has everything may well read no more: its answer said so.
func TestPeerRefusesWhatItDoesNotHave(t *testing.T) {
	for name, acknowledged := range map[string]bool{"nothing lost": true, "data lost": false} {
		p := newPeer(t)
		p.write(10)
		n := p.want(name, "STREAM 0+10")
		if acknowledged {
			p.deliver(p.ack(n), stop)
		} else {
			p.deliver(stop)
		}
		if p.s.Status().Refused == acknowledged {
			t.Errorf("%s: refused %v", name, p.s.Status().Refused)
		}
		p.deliver(stop)
		if p.s.Status().Refused == acknowledged {
			t.Errorf("%s: refused %v after a repetition", name, p.s.Status().Refused)
		}
	}
}

// The end of what a peer no longer reads may lie beyond its credit, so it must
// not be announced.
func TestStopCancelsTheEnd(t *testing.T) {
	p := newPeer(t)
	p.s.congestion.window = 1 << 20
	p.write(2 * baseBuffer)
	p.s.CloseWrite()
	p.drain()
	p.deliver(stop)
	for range 5 {
		p.pass(5000 * ms)
		for p.s.Pending(p.now) != Idle {
			if got := p.next(); strings.Contains(got, "FIN") || strings.Contains(got, "STREAM") {
				t.Fatalf("the stream sends %s", got)
			}
		}
	}
}

// Nobody who closed wants to give credit, though all of it is used up.
func TestReadAfterCloseAsksForNothing(t *testing.T) {
	p := newPeer(t)
	p.fill(0, baseBuffer)
	p.s.Close()
	p.drain()
	if read(p.s, make([]byte, 10)) != 0 {
		t.Error("something was read after Close")
	}
	p.wantIdle("no credit is given any more")
}

func TestDropUnsentKeepsWhatCanBeRead(t *testing.T) {
	p := newPeer(t)
	p.write(5000)
	p.deliver(data(0, 10))
	p.s.Abandon(true)
	p.read(10)
	if p.s.Status().Waiting || p.sendBudget.Left() != testBudget {
		t.Error("the send buffer is still there")
	}
}

func TestStalled(t *testing.T) {
	p := newPeer(t)
	p.credit = 100
	p.s.out.credit = 100
	p.write(100)
	p.drain()
	p.wantState("all was sent", state{})
	p.write(1)
	p.wantState("no credit", state{stalled: true})
	p.credit++
	p.deliver(p.ack())
	p.wantState("credit", state{})
}

// What shows that something moves is the acknowledgement of data or their end,
// and new credit. Answers to probes are none.
func TestMovedAt(t *testing.T) {
	p := newPeer(t)
	wantMoved := func(why string, moved bool) {
		t.Helper()
		if p.s.Status().MovedAt.Equal(p.now) != moved {
			t.Errorf("%s: moved at %v, now is %v", why, p.s.Status().MovedAt, p.now)
		}
		p.pass(ms)
	}
	p.credit = p.s.out.credit
	p.write(10)
	n := p.want("sent", "STREAM 0+10")
	wantMoved("nothing came yet", false)
	p.deliver(p.ack(n))
	wantMoved("data is acknowledged", true)
	p.deliver(p.ack(n))
	wantMoved("an ACK again", false)
	p.s.Ping()
	p.deliver(p.ack(p.want("sent", "PING")))
	wantMoved("a PING is acknowledged", false)
	p.credit++
	p.deliver(p.ack(n))
	wantMoved("new credit", true)
	p.s.CloseWrite()
	p.deliver(p.ack(p.want("sent", "FIN 10")))
	wantMoved("the end is acknowledged", true)
}

func TestPeerOwesAnAnswer(t *testing.T) {
	p := newPeer(t)
	p.deliver(ping)
	p.next()
	if !p.s.Status().Unheard.IsZero() {
		t.Error("an ACK asks for no answer")
	}
	p.write(1)
	p.next()
	since := p.now
	p.pass(400 * ms)
	p.drain()
	if !p.s.Status().Unheard.Equal(since) {
		t.Errorf("unheard since %v, want %v", p.s.Status().Unheard, since)
	}
	p.deliver()
	if !p.s.Status().Unheard.IsZero() {
		t.Error("any packet is a sign of life")
	}
}

func TestStats(t *testing.T) {
	p := newPeer(t)
	p.write(10)
	p.drain()
	p.pass(325 * ms)
	p.drain()
	p.deliver(data(0, 10))
	p.deliver(data(0, 10))
	p.deliver(data(20, 10))
	stats, rtt := p.s.Stats()
	want := Stats{BytesSent: 10, BytesReceived: 10, PacketsSent: 3, PacketsReceived: 3, Retransmitted: 1, Duplicates: 1}
	if stats != want || rtt != testRTT {
		t.Errorf("%+v, want %+v; round trip %v", stats, want, rtt)
	}
	sealer := p.s.config.Sealer.(*plainSealer)
	if sealer.any {
		t.Errorf("number %d counts as acknowledged", sealer.acknowledged)
	}
	p.deliver(p.ack(2))
	p.next()
	if sealer.acknowledged != 2 || !sealer.any {
		t.Errorf("largest acknowledged number %d (%v), want 2", sealer.acknowledged, sealer.any)
	}
}
