package stream

import (
	"fmt"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/wire"
)

func challenge(b []byte) []byte {
	return wire.AppendPathChallenge(b, wire.Path{Path: 9, Size: 1000, Round: 1})
}

func response(b []byte) []byte {
	return wire.AppendPathResponse(b, wire.Path{Path: 9, Size: 1000, Round: 1})
}

// TestPacketsAboutPathsLeaveNoGap in what is acknowledged, which has room for few, and what follows them is in order.
func TestPacketsAboutPathsLeaveNoGap(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 10))
	p.timer("no other comes", 25*ms)
	p.want("the first", "ACK 0-0")
	p.deliver(challenge)
	p.deliver(response)
	p.wantIdle("about paths")
	p.wantNoTimer("about paths")
	p.deliver(data(10, 10))
	p.wantIdle("it is in order")
	p.timer("no other comes", 25*ms)
	p.want("all", "ACK 0-3")
	if p.s.acks.aside != nil {
		t.Errorf("%d are still set aside", p.s.acks.aside)
	}
}

// TestPacketAboutPathsMayOvertake what is in flight on the path in use, which is not lost for that.
func TestPacketAboutPathsMayOvertake(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 10))
	p.theirs = 5
	p.deliver(challenge)
	p.timer("no other comes", 25*ms)
	p.want("nothing above the first", "ACK 0-0")
	for n := uint64(1); n < 5; n++ {
		p.theirs = n
		p.deliver(data(10*n, 10))
		p.pass(25 * ms)
		p.want("in order", fmt.Sprintf("ACK 0-%d", n))
	}
	p.theirs = 6
	p.deliver(data(50, 10))
	p.timer("no other comes", 25*ms)
	p.want("the next", "ACK 0-6")
}

// TestFewPacketsAboutPathsAreSetAside: the oldest are forgotten, and leave a gap.
func TestFewPacketsAboutPathsAreSetAside(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(0, 10))
	for range maxAside + 2 {
		p.deliver(challenge)
	}
	if n := len(p.s.acks.aside); n != maxAside {
		t.Errorf("%d are set aside, want %d", n, maxAside)
	}
	p.deliver(data(10, 10))
	p.pass(25 * ms)
	p.want("all but two", fmt.Sprintf("ACK 3-%d,0-0", maxAside+3))
}
