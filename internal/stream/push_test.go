package stream

import (
	"bytes"
	"testing"
	"time"
)

// pushed returns a pusher that pushed pushPause ago, in a stream that sent
// something a moment ago, and the time.
func pushed(credit int) (*pusher, time.Time) {
	now := time.Unix(1e9, 0)
	return &pusher{shared: &Ensemble{pushes: pushes{credit: credit, last: now.Add(-pushPause), previous: now.Add(-ms)}}}, now
}

// Behind an ACK goes what was paid for, behind little data of an application also what will be.
func TestPushOnceEnoughWasCarried(t *testing.T) {
	for _, c := range []struct {
		credit int
		data   bool
		want   bool
	}{{pushCost - 1, false, false}, {pushCost, false, true}, {0, true, false}, {1, true, true}, {pushCredit, true, true}} {
		p, now := pushed(c.credit)
		if p.sent(now, ms, testRTT, c.data); p.now != c.want || !p.at.IsZero() {
			t.Errorf("a push behind data: %v, with a credit of %d: %v", c.data, c.credit, p.now)
		}
		if c.want && p.shared.pushes.credit != c.credit-pushCost {
			t.Errorf("a push left %d of %d", p.shared.pushes.credit, c.credit)
		}
		if p.filled(); p.now || p.shared.pushes.credit != c.credit {
			t.Errorf("what filled the segment by itself left %d of %d", p.shared.pushes.credit, c.credit)
		}
	}
}

func TestCreditForPushesIsBounded(t *testing.T) {
	s := pushes{}
	s.earn(1 << 30)
	n, now := 0, time.Unix(1e9, 0)
	for ; s.credit >= pushCost; n++ {
		s.claim(now.Add(time.Duration(n)*pushPause), false)
	}
	if n != pushCredit/pushCost {
		t.Errorf("%d pushes at once, want %d", n, pushCredit/pushCost)
	}
}

// What goes more than a round trip after the packet before it does not wait at
// the broker.
func TestNoPushAfterSilence(t *testing.T) {
	for _, silence := range []time.Duration{testRTT, testRTT + 1} {
		p, now := pushed(pushCost)
		p.shared.pushes.previous = now.Add(-silence)
		if p.sent(now, p.shared.sent(now, 0), testRTT, false); p.now != (silence == testRTT) {
			t.Errorf("a push %v after the packet before: %v", silence, p.now)
		}
	}
}

func TestNoPushOnAShortPath(t *testing.T) {
	for _, rtt := range []time.Duration{pushRTT - 1, pushRTT} {
		p, now := pushed(pushCost)
		if p.sent(now, ms, rtt, false); p.now != (rtt == pushRTT) {
			t.Errorf("a push with round trips of %v: %v", rtt, p.now)
		}
	}
}

func TestPausesBetweenPushes(t *testing.T) {
	p, now := pushed(2 * pushCost)
	p.shared.pushes.last = now.Add(-pushPause + 3*ms)
	if p.sent(now, ms, testRTT, false); p.now || p.at.Sub(now) != 3*ms {
		t.Fatalf("due %v, in %v, want in 3 ms", p.now, p.at.Sub(now))
	}
	if p.expire(now.Add(3*ms - 1)); p.now {
		t.Fatal("due too early")
	}
	if p.expire(now.Add(3 * ms)); !p.now || !p.at.IsZero() {
		t.Fatalf("due %v, deadline %v", p.now, p.at)
	}
	if b := p.append(nil); len(b) != 0 || p.now || p.shared.pushes.last != now.Add(3*ms) {
		t.Errorf("after a push: %+v", p)
	}
	if p.sent(now, ms, testRTT, true); !p.now {
		t.Error("data has to wait for a pause")
	}
}

// pushing returns the peer of a stream that may push, has so much credit, and
// owes an ACK.
func pushing(t *testing.T, credit int) *peer {
	p := newPeerSize(t, 4000)
	p.write(1)
	p.want("what comes before", "STREAM 0+1")
	p.deliver(p.ack(0))
	p.s.push.shared.pushes = pushes{credit: credit, previous: p.now}
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
	p := pushing(t, pushCost)
	p.want("the ACK", "ACK 0-1")
	p.room[0], p.room[PushSize-1] = 1, 1 // left from another packet
	p.wantPush("behind the ACK")
	p.wantIdle("once")
	p.s.push.shared.pushes.earn(pushCost)
	p.pass(3 * ms)
	p.deliver(ping)
	p.want("the next ACK", "ACK 0-2")
	p.wantIdle("a pause")
	p.timer("the end of the pause", pushPause-3*ms)
	p.wantPush("behind the next ACK")
	p.wantNoTimer("that was all")
}

func TestNoPushForLittle(t *testing.T) {
	p := pushing(t, pushCost-1000)
	p.want("the ACK", "ACK 0-1")
	p.wantIdle("too little was carried")
	p.wantNoTimer("too little was carried")
}

// Both directions count, and what goes with more data pushes by itself.
func TestPushAfterBothDirections(t *testing.T) {
	p := pushing(t, pushCost-4096)
	p.s.congestion.startup = false
	p.deliver(data(100, 2100))
	p.write(2000)
	p.want("data", "ACK 0-2, STREAM 1+2000")
	p.wantIdle("nothing goes alone")
	p.deliver(ping)
	p.want("the ACK", "ACK 0-3")
	p.wantPush("behind the ACK")
}

// A keystroke does not wait for the acknowledgement of what went before it, if that was just now.
func TestPushBehindAKeystroke(t *testing.T) {
	for _, c := range []struct {
		written int
		flight  bool // something else is
		want    bool
	}{{1, false, true}, {shortData, false, true}, {shortData + 1, false, false}, {1, true, false}} {
		p := pushing(t, 1)
		p.s.congestion.startup = false
		p.want("the ACK", "ACK 0-1")
		if c.flight {
			p.s.Ping()
			p.want("something else", "PING")
		}
		p.write(c.written)
		p.sends(1)
		if c.want {
			p.wantPush("behind the keystroke")
		}
		p.wantIdle("that was all")
	}
}

// Streams to one process wait for each other there.
func TestPushesAreShared(t *testing.T) {
	p := pushing(t, pushCost)
	other := pusher{shared: p.s.push.shared}
	p.want("the ACK", "ACK 0-1")
	p.wantPush("behind the ACK")
	if other.sent(p.now, ms, testRTT, false); other.now || !other.at.IsZero() {
		t.Error("what was spent is spent again")
	}
}

// Streams that all wait for the end of the pause do not all push then.
func TestOnlyOnePushesAfterAPause(t *testing.T) {
	first, now := pushed(2 * pushCost)
	first.shared.pushes.last = now
	second := &pusher{shared: first.shared}
	first.sent(now, ms, testRTT, false)
	second.sent(now, ms, testRTT, false)
	if first.at.IsZero() || first.at != second.at {
		t.Fatalf("they wait until %v and %v", first.at, second.at)
	}
	now = first.at
	first.expire(now)
	if second.expire(now); !first.now || second.now || second.at != now.Add(pushPause) {
		t.Errorf("the first pushes: %v, the second: %v, or in %v", first.now, second.now, second.at.Sub(now))
	}
}

// In the start-up a window ends with a push, so that its end does not wait for
// its beginning.
func TestPushBehindAWindowOfTheStartup(t *testing.T) {
	for _, startup := range []bool{true, false} {
		p := pushing(t, pushCost)
		p.s.congestion.startup = startup
		p.s.acks.pending, p.s.acks.now = 0, false
		p.write(6000)
		p.want("full", "STREAM 1+3995")
		if p.s.push.now {
			t.Error("a push although more goes at once")
		}
		p.want("the rest", "STREAM 3996+2005")
		if startup {
			p.wantPush("the end of the window")
		}
		p.wantIdle("that was all")
	}
}
