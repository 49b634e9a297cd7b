package stream

import (
	"bytes"
	"testing"
	"time"
)

// pushed returns a pusher that pushed pushPause ago, in a stream that sent
// something a moment ago, and the time.
func pushed(total, carried int) (*pusher, time.Time) {
	now := time.Unix(1e9, 0)
	return &pusher{total: total, carried: carried, last: now.Add(-pushPause), previous: now.Add(-ms)}, now
}

func TestPushOnceEnoughWasCarried(t *testing.T) {
	for _, c := range []struct{ total, carried int }{
		{0, leastPush}, {leastPush * 8, leastPush}, {leastPush * 16, leastPush * 2}, {mostPush * 8, mostPush}, {mostPush * 800, mostPush},
	} {
		p, now := pushed(c.total, c.carried-1)
		if p.sent(now, testRTT); p.due || !p.at.IsZero() {
			t.Errorf("a push after %d of %d bytes", c.carried-1, c.total)
		}
		p, now = pushed(c.total, c.carried)
		if p.sent(now, testRTT); !p.due || !p.at.IsZero() {
			t.Errorf("no push after %d of %d bytes", c.carried, c.total)
		}
	}
}

// What goes more than a round trip after the packet before it does not wait at
// the broker.
func TestNoPushAfterSilence(t *testing.T) {
	for _, silence := range []time.Duration{testRTT, testRTT + 1} {
		p, now := pushed(0, mostPush)
		p.previous = now.Add(-silence)
		if p.sent(now, testRTT); p.due != (silence == testRTT) {
			t.Errorf("a push %v after the packet before: %v", silence, p.due)
		}
	}
}

func TestNoPushOnAShortPath(t *testing.T) {
	for _, rtt := range []time.Duration{pushRTT - 1, pushRTT} {
		p, now := pushed(0, mostPush)
		if p.sent(now, rtt); p.due != (rtt == pushRTT) {
			t.Errorf("a push with round trips of %v: %v", rtt, p.due)
		}
	}
}

func TestPausesBetweenPushes(t *testing.T) {
	p, now := pushed(0, mostPush)
	p.last = now.Add(-pushPause + 3*ms)
	if p.sent(now, testRTT); p.due || p.at.Sub(now) != 3*ms {
		t.Fatalf("due %v, in %v, want in 3 ms", p.due, p.at.Sub(now))
	}
	if p.expire(now.Add(3*ms - 1)); p.due {
		t.Fatal("due too early")
	}
	if p.expire(now.Add(3 * ms)); !p.due || !p.at.IsZero() {
		t.Fatalf("due %v, deadline %v", p.due, p.at)
	}
	if b := p.append(nil, now); len(b) != 0 || p.due || p.carried != 0 || p.last != now {
		t.Errorf("after a push: %+v", p)
	}
}

// pushing returns the peer of a stream that may push, has carried this much, and
// owes an ACK.
func pushing(t *testing.T, carried int) *peer {
	p := newPeerSize(t, 4000)
	p.write(1)
	p.want("what comes before", "STREAM 0+1")
	p.deliver(p.ack(0))
	p.s.push = pusher{carried: carried, previous: p.now}
	p.deliver(data(0, 100), ping)
	return p
}

// wantPush takes the next packet, which must be nothing but padding.
func (p *peer) wantPush(why string) {
	p.Helper()
	count, bytesInFlight := p.s.sent.count, p.s.sent.bytes
	if p.s.Pending(p.now) != Urgent {
		p.Fatalf("%s: nothing urgent is pending", why)
	}
	packet := next(p.s, p.now, p.number, p.room)
	p.number++
	if !bytes.Equal(packet, make([]byte, PushSize)) {
		p.Fatalf("%s: %d bytes that are not the padding", why, len(packet))
	}
	if p.s.sent.count != count || p.s.sent.bytes != bytesInFlight {
		p.Errorf("%s: the padding counts as in flight", why)
	}
}

func TestPushBehindAnAck(t *testing.T) {
	p := pushing(t, leastPush)
	p.want("the ACK", "ACK 0-1")
	p.room[0], p.room[PushSize-1] = 1, 1 // left from another packet
	p.wantPush("behind the ACK")
	p.wantIdle("once")
	p.s.push.carry(mostPush)
	p.pass(3 * ms)
	p.deliver(ping)
	p.want("the next ACK", "ACK 0-2")
	p.wantIdle("a pause")
	p.timer("the end of the pause", pushPause-3*ms)
	p.wantPush("behind the next ACK")
	p.wantNoTimer("that was all")
}

func TestNoPushForLittle(t *testing.T) {
	p := pushing(t, leastPush-1000)
	p.want("the ACK", "ACK 0-1")
	p.wantIdle("too little was carried")
	p.wantNoTimer("too little was carried")
}

// Both directions count, and what goes with data pushes by itself.
func TestPushAfterBothDirections(t *testing.T) {
	p := pushing(t, 0)
	p.write(1)
	p.want("data with an ACK", "ACK 0-1, STREAM 1+1")
	p.deliver(data(100, leastPush/2))
	p.s.congestion.startup = false
	p.write(leastPush / 2)
	p.want("data", "ACK 0-2, STREAM 2+2048")
	p.wantIdle("nothing goes alone")
	p.deliver(ping)
	p.want("the ACK", "ACK 0-3")
	p.wantPush("behind the ACK")
}

// In the start-up a window ends with a push, so that its end does not wait for
// its beginning.
func TestPushBehindAWindowOfTheStartup(t *testing.T) {
	for _, startup := range []bool{true, false} {
		p := pushing(t, leastPush)
		p.s.congestion.startup = startup
		p.s.acks.pending, p.s.acks.now = 0, false
		p.write(6000)
		p.want("full", "STREAM 1+3995")
		if p.s.push.due {
			t.Error("a push although more goes at once")
		}
		p.want("the rest", "STREAM 3996+2005")
		if startup {
			p.wantPush("the end of the window")
		}
		p.wantIdle("that was all")
	}
}
