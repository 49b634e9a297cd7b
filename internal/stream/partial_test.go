package stream

import (
	"testing"
	"time"
)

// Up to four packets that are not full may be unacknowledged. The fourth asks
// for an ACK at once, so that nothing waits for the peer's ACK delay.
func TestPartialPackets(t *testing.T) {
	p := newPeer(t)
	for _, want := range []string{"STREAM 0+10", "STREAM 10+10", "STREAM 20+10", "STREAM 30+10, PING"} {
		p.write(10)
		p.want("small writes go at once", want)
	}
	p.write(10)
	p.wantIdle("the allowance is used up")
	p.write(10)
	p.wantIdle("the allowance is used up")
	p.pass(testRTT)
	p.deliver(p.ack(0))
	p.want("all that gathered, asking again", "STREAM 40+20, PING")
	p.write(10)
	p.wantIdle("the allowance is used up")
	p.deliver(p.ack(all(0, 4)...))
	p.want("the allowance is whole again", "STREAM 60+10")
}

func TestFullPacketsNeedNoAllowance(t *testing.T) {
	p := newPeer(t)
	p.s.congestion.window = 20 * wire1
	p.deliver(p.ack())
	for range maxPartial {
		p.write(10)
		p.next()
	}
	p.write(900)
	p.wantIdle("not full")
	p.write(60)
	p.want("full enough to need nothing more", "STREAM 40+960")
	p.write(1500)
	p.want("full", "STREAM 1000+994")
	p.wantIdle("the rest is not full")
}

// What is lost, and the end of a stream, do not wait for an allowance.
func TestPartialPacketsThatDoNotWait(t *testing.T) {
	p := newPeer(t)
	p.deliver(p.ack()) // which brings a grant of more than four packets
	for range maxPartial {
		p.write(10)
		p.next()
	}
	p.write(10)
	p.wantIdle("the allowance is used up")
	p.s.CloseWrite()
	p.want("the last data", "STREAM 40+10, PING, FIN 50")
	p.pass(testRTT)
	p.deliver(p.ack(2, 3, 4))
	p.want("lost", "STREAM 0+20")
	p.wantIdle("all was sent")
	p.deliver(p.ack(2, 3, 4, 5))
	if p.s.sent.partial != 0 || !p.s.Status().Acknowledged {
		t.Errorf("%d partial packets in flight", p.s.sent.partial)
	}
}

// A lost partial packet gives its part of the allowance back.
func TestLostPartialPacketReturnsItsAllowance(t *testing.T) {
	p := newPeer(t)
	p.deliver(p.ack()) // which brings a grant of more than four packets
	for range maxPartial {
		p.write(10)
		p.next()
	}
	p.write(10)
	p.pass(testRTT)
	p.deliver(p.ack(3))
	p.want("lost by number", "STREAM 0+10")
	p.want("two places are free", "STREAM 40+10")
}

// Two writes and a read, the pattern that Nagle's algorithm and delayed ACKs
// together stall: both writes are on their way before anything comes back.
func TestWriteWriteReadDoesNotStall(t *testing.T) {
	p := path{delay: 10 * ms}
	s := newSim(t, 1, 1000, p, p)
	client, server := s.ends[0], s.ends[1]
	const rounds = 50
	asked, answered := 0, 0
	s.behave = func(i int) {
		switch {
		case i == 0 && client.write == 0 && client.read == 30*asked && asked < rounds:
			asked++
			client.write, client.mayWrite = 20, 10 // one write
		case i == 0 && client.write == 10:
			client.mayWrite = 10 // and the other
		case i == 1 && server.read == 20*asked && answered < asked:
			answered++
			server.write = 30
		}
	}
	took := s.run(time.Minute, func() bool { return client.read == 30*rounds })
	if took != rounds*20*ms {
		t.Errorf("%d requests took %v, want one round trip of 20 ms each", rounds, took)
	}
}
