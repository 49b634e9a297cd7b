package stream

import (
	"testing"
)

func TestReset(t *testing.T) {
	p := newPeer(t)
	p.s.congestion.window = 1 << 20
	p.write(2 * baseBuffer)
	p.s.CloseWrite()
	p.drain()
	first := p.number
	p.s.Reset(9)
	p.want("instead of everything else", "RESET 9")
	p.s.Close()
	p.wantIdle("nothing after a RESET")
	p.wantState("unanswered", state{acknowledged: true, writeClosed: true})
	p.deliver(p.ack(first))
	if !p.s.Status().Finished {
		t.Error("an acknowledged RESET does not finish the stream")
	}
	if p.sendBudget.Left() != testBudget {
		t.Error("the send buffer is still there")
	}
}

func TestPeerResets(t *testing.T) {
	p := newPeer(t)
	p.write(5000)
	p.s.Close()
	p.drain()
	p.deliver(data(0, 10), reset(300))
	p.want("acknowledged at once", "ACK 0-0")
	p.wantIdle("the peer is gone")
	if !p.s.Status().WasReset {
		t.Error("the peer's RESET did not arrive")
	}
	p.wantState("reset", state{finished: true, acknowledged: true, writeClosed: true})
	if _, end := readable(p.s); end {
		t.Error("a RESET is no end of the stream")
	}
}

func TestReadAfterPeerResets(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 10))
	p.deliver(reset(1))
	p.read(10)
	p.s.Close()
	p.want("only the ACK", "ACK 0-1")
	p.wantIdle("the peer gave up")
}

// An application may read on after the stream was given up on its behalf.
func TestReadAfterReset(t *testing.T) {
	for name, give := range map[string]func(s *Stream){
		"Abandon": func(s *Stream) { s.Abandon(false) }, "Close": (*Stream).Close,
	} {
		p := newPeer(t)
		p.deliver(data(0, 10), data(20, 10))
		give(p.s)
		p.deliver(data(10, 20))
		p.deliver(data(30, 20))
		if n, _ := readable(p.s); n != 0 || read(p.s, make([]byte, 100)) != 0 {
			t.Errorf("%s: %d bytes are readable", name, n)
		}
	}
}

// What had arrived before a Reset is delivered, and an end only after every byte.
func TestResetKeepsWhatCanBeRead(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 10), data(20, 10), fin(30))
	p.s.Reset(1)
	if n, end := readable(p.s); n != 10 || end {
		t.Errorf("%d bytes are readable, end %v", n, end)
	}
	p.s.Abandon(false)
	p.deliver(data(10, 10))
	if n, end := readable(p.s); n != 0 || end {
		t.Errorf("after Abandon %d bytes are readable, end %v", n, end)
	}
}
