package stream

import (
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

// full is how much stream data the first n packets take that carry nothing
// else; one byte of each is set aside for a PING.
func full(n int) (total int) {
	for range n {
		total += testPacket - 1 - wire.StreamHeaderLen(uint64(total), testPacket)
	}
	return total
}

// flight returns a peer to whom n full packets are on their way.
func flight(t *testing.T, n int) *peer {
	p := newPeer(t)
	p.s.congestion.window = 100 * (testPacket + testOverhead)
	p.deliver(p.ack())
	p.write(full(n))
	p.sends(n)
	p.wantIdle("everything is on its way")
	return p
}

func TestPacketThreshold(t *testing.T) {
	p := flight(t, 8)
	p.deliver(p.ack(3))
	p.want("three numbers behind", "STREAM 0+995")
	p.wantIdle("two and one behind")
	p.deliver(p.ack(3, 4))
	p.want("three numbers behind", "STREAM 995+994")
	p.wantIdle("two and one behind")
}

func TestTimeThreshold(t *testing.T) {
	p := flight(t, 3)
	p.pass(testRTT)
	p.deliver(p.ack(2))
	p.wantIdle("two numbers behind may be reordered")
	p.timer("9/8 of the round trip after it was sent", 12500*time.Microsecond)
	p.want("lost", "STREAM 0+995")
	p.want("lost", "STREAM 995+994")
}

// Acknowledged packets that carried nothing but an ACK reveal losses too.
func TestLossRevealedByAcks(t *testing.T) {
	p := newPeer(t)
	p.write(1)
	p.want("lost on the way", "STREAM 0+1")
	for range 3 {
		p.deliver(ping)
		p.next()
	}
	p.deliver(p.ack(3))
	p.want("three numbers behind an ACK that arrived", "STREAM 0+1")
}

func TestNothingIsLostWithoutAnAck(t *testing.T) {
	p := flight(t, 10)
	p.timer("probe", 325*ms)
	p.want("small", "PING")
	p.want("oldest", "STREAM 0+995")
	p.wantIdle("nothing is declared lost")
	if p.s.sent.count != 12 {
		t.Errorf("%d packets in flight, want 12", p.s.sent.count)
	}
}

// Every signal is repeated when its packet is lost, and not when it arrived.
func TestLostSignalsAreRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(s *Stream)
		want string
	}{
		"FIN":    {(*Stream).CloseWrite, "FIN 0"},
		"STOP":   {(*Stream).Close, "FIN 0, STOP"},
		"RESET":  {func(s *Stream) { s.Reset(7) }, "RESET 7"},
		"PING":   {(*Stream).Ping, "PING"},
		"RESUME": {(*Stream).Resume, "RESUME"},
	} {
		t.Run(name+" by threshold", func(t *testing.T) {
			p := newPeer(t)
			c.do(p.s)
			lost := p.want("sent", c.want)
			p.s.reopen.renew()
			p.want("overtakes", "ACK, PING")
			p.pass(testRTT)
			p.deliver(p.ack(lost + 1))
			p.timer("time threshold", 12500*time.Microsecond)
			n := p.want("repeated", strings.Replace(c.want, "RESUME", "RESUME 0-0", 1))
			p.deliver(p.ack(lost+1, n))
			p.wantIdle("acknowledged")
			p.wantNoTimer("acknowledged")
		})
		t.Run(name+" by probe", func(t *testing.T) {
			p := newPeer(t)
			c.do(p.s)
			first := p.want("sent", c.want)
			p.timer("probe", 325*ms)
			want := c.want + ", PING"
			if name == "PING" {
				want = "PING"
			}
			p.want("repeated", want)
			p.wantIdle("there is no data")
			p.deliver(p.ack(first, first+1))
			p.wantNoTimer("acknowledged")
			p.wantIdle("acknowledged")
		})
	}
}

// A probe that the writer has not taken yet is not needed once the peer answers.
func TestAckCancelsTheProbe(t *testing.T) {
	p := flight(t, 5)
	p.timer("probe", 325*ms)
	if p.s.Pending(p.now) != Urgent {
		t.Fatal("no probe is wanted")
	}
	p.deliver(p.ack(all(0, 4)...))
	p.wantIdle("nothing is missing")
	if p.s.Status().Waiting {
		t.Error("something is still unacknowledged")
	}
}

// A signal raised anew is not confirmed by the ACK of an earlier packet.
func TestOldAckDoesNotConfirmANewSignal(t *testing.T) {
	p := newPeer(t)
	p.s.Resume()
	old := p.want("first reconnect", "RESUME")
	p.s.NoPath()
	p.s.PathUp(p.now, p.s.config.MaxPacket)
	p.s.Resume()
	p.deliver(p.ack(old))
	if !resuming(p.s) {
		t.Fatal("the second RESUME counts as answered")
	}
	n := p.want("second reconnect", "RESUME 0-0")
	p.deliver(p.ack(old, n))
	if resuming(p.s) {
		t.Error("the answer did not count")
	}
}

func TestRetransmissionIsSplitAndMerged(t *testing.T) {
	p := flight(t, 6)
	p.deliver(p.ack(5))
	p.deliver(ping)
	p.want("less fits beside an ACK", "ACK 0-2, STREAM 0+979")
	p.want("the rest, with what follows", "STREAM 979+994")
	p.want("the rest", "STREAM 1973+994")
	p.want("the rest", "STREAM 2967+16")
}

func TestClockThatJumps(t *testing.T) {
	p := flight(t, 4)
	p.pass(1000 * time.Hour)
	p.deliver(p.ack(3))
	p.drain()
	if timeout := p.s.Status().ProbeTimeout; timeout > 3*maxRTT {
		t.Errorf("the probe timeout is %v after a clock jumped", timeout)
	}
	p.now = p.now.Add(-2000 * time.Hour)
	p.s.Expire(p.now)
	p.deliver(p.ack(all(0, p.number-1)...))
	p.wantNoTimer("everything is acknowledged")
	if p.s.rtt.smoothed <= 0 {
		t.Errorf("round trip %v", p.s.rtt.smoothed)
	}
}
