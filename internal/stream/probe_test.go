package stream

import (
	"testing"
	"time"
)

func TestProbeTimeoutDoublesUpToFiveSeconds(t *testing.T) {
	p := newPeer(t)
	p.wantNoTimer("nothing is in flight")
	p.write(100)
	p.want("a write goes at once", "STREAM 0+100")
	for _, d := range []time.Duration{325 * ms, 650 * ms, 1300 * ms, 2600 * ms, 5000 * ms, 5000 * ms, 5000 * ms} {
		p.timer("probe timeout", d)
		p.want("first a small packet", "PING")
		p.want("then the oldest data", "STREAM 0+100")
		p.wantIdle("a probe is two packets")
	}
	p.pass(testRTT)
	p.deliver(p.ack(13, 14))
	p.wantIdle("the data that was repeated has arrived")
	p.wantNoTimer("everything is acknowledged")
}

func TestProbeTimeoutIsNeverBelowItsBase(t *testing.T) {
	p := newPeer(t)
	p.s.seed(time.Minute) // smoothed 7587.5 ms, variance 15012.5 ms
	p.write(1)
	p.want("write", "STREAM 0+1")
	for range 3 {
		p.timer("a round trip above the cap is not doubled", 67662500*time.Microsecond)
		p.sends(2)
	}
}

func TestProbeTimeoutHasAFloor(t *testing.T) {
	p := newPeer(t)
	for range 40 {
		p.s.seed(time.Microsecond)
	}
	p.write(1)
	p.want("write", "STREAM 0+1")
	p.timer("pauses of a busy machine are no loss", minProbeTimeout)
}

func TestProbeTimeoutBeforeAnySample(t *testing.T) {
	p := newPeer(t)
	p.s = New(p.s.config, p.now)
	p.write(1)
	p.want("write", "STREAM 0+1")
	p.timer("250 + 4*125 + 25", 775*ms)
}

func TestProbeTimeoutStartsAfreshWithProgress(t *testing.T) {
	p := newPeer(t)
	p.write(100)
	p.want("write", "STREAM 0+100")
	p.timer("first", 325*ms)
	p.sends(2)
	p.timer("second", 650*ms)
	p.sends(2)
	p.pass(testRTT)
	p.deliver(p.ack(3)) // the second ping; its sample leaves 100 + 4*37.5 + 25 ms
	p.want("what the ping overtook is lost", "STREAM 0+100")
	p.timer("not doubled any more", 275*ms)
}

func TestProbeSendsTheOldestDataBehindOtherPackets(t *testing.T) {
	p := newPeer(t)
	p.s.Ping()
	p.want("asked for", "PING")
	p.write(100)
	p.want("data", "STREAM 0+100")
	p.write(100)
	p.want("more data", "STREAM 100+100")
	p.timer("probe", 325*ms)
	p.want("the lost PING is repeated by the probe's own", "PING")
	p.want("the oldest data", "STREAM 0+100")
	p.wantIdle("the probe is over")
}

func TestProbeRepeatsAllSignals(t *testing.T) {
	p := newPeer(t)
	p.write(2000)
	p.s.Resume()
	p.want("resumption comes first", "RESUME, STREAM 0+979")
	p.s.Close()
	p.want("end of reading", "STOP, STREAM 979+993")
	p.want("end of writing", "STREAM 1972+28, FIN 2000")
	p.timer("probe", 325*ms)
	p.want("signals are small", "RESUME, FIN 2000, STOP, PING")
	p.want("the oldest data", "STREAM 0+979")
	p.wantIdle("the probe is over")
}

// A probe goes whatever the window and the grant say.
func TestProbeBeyondTheGrant(t *testing.T) {
	p := newPeer(t)
	p.grantMessages, p.grant = 1, 0
	p.deliver(p.ack())
	p.write(3000)
	p.want("the grant of one message", "STREAM 0+995")
	p.wantIdle("the grant is used up")
	p.timer("probe", 325*ms)
	p.want("a small packet", "PING")
	p.want("the oldest data", "STREAM 0+995")
	p.wantIdle("the grant is used up")
}

// A peer without credit is probed in case that its reopening was lost, less
// and less often although it answers.
func TestZeroCreditIsProbed(t *testing.T) {
	p := newPeer(t)
	p.credit = baseBuffer
	p.write(baseBuffer)
	p.drain()
	for p.s.Status().Waiting {
		p.deliver(p.ack(all(0, p.number-1)...))
		p.drain()
	}
	p.write(100)
	p.wantIdle("no credit")
	if !p.s.out.blocked() {
		t.Error("the stream is not stalled")
	}
	for i, d := range []time.Duration{325 * ms, 650 * ms, 1300 * ms, 2600 * ms, 5000 * ms, 5000 * ms, 5000 * ms} {
		p.s.seed(0)
		p.s.rtt = rtt{smoothed: testRTT, variance: testRTT / 2}
		p.timer("persist", d)
		n := p.want("probe of a closed window", "PING")
		p.wantIdle("nothing else may be sent")
		p.deliver(p.ack(n))
		if p.s.Pending(p.now) != Idle {
			t.Fatalf("probe %d made the stream send", i)
		}
	}
	p.credit++
	p.deliver(p.ack(p.number - 1))
	p.want("one byte of credit", "STREAM 65536+1")
	p.timer("the timeout starts afresh", p.s.Status().ProbeTimeout)
}

// A peer that grants and credits everything but never answers must not make
// the list of packets in flight grow for ever.
func TestSilentPeerCostsBoundedMemory(t *testing.T) {
	p := newPeer(t)
	p.write(5000)
	p.drain()
	const probes = 2 * (int(maxRTT/maxProbeTimeout) + 1) // of two packets each
	sent := len(p.s.sent.packets)
	for range 24 * time.Hour / maxProbeTimeout {
		p.pass(maxProbeTimeout)
		p.drain()
		if n := len(p.s.sent.packets); n > sent+probes || cap(p.s.sent.packets) > 4*(sent+probes) {
			t.Fatalf("%d packets are remembered, want at most %d", n, sent+probes)
		}
	}
	for range 3 {
		first := p.number
		p.deliver(p.ack(first - 1))
		p.drain()
		p.deliver(p.ack(all(first, max(p.number, 1)-1)...))
	}
	if l := p.s.sent; p.s.Status().Waiting || l.count != 0 || l.bytes != 0 || l.partial != 0 {
		t.Errorf("%d packets, %d bytes, %d partial are in flight after everything was acknowledged", l.count, l.bytes, l.partial)
	}
}
