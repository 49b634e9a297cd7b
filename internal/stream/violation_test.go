package stream

import (
	"errors"
	"testing"
)

func TestViolations(t *testing.T) {
	for name, c := range map[string]struct {
		want   error
		frames []frame
	}{
		"data beyond credit":              {errCredit, []frame{data(baseBuffer-9, 10)}},
		"end beyond credit":               {errCredit, []frame{fin(baseBuffer + 1)}},
		"end below data":                  {errFinal, []frame{data(90, 10), fin(99)}},
		"data beyond the end":             {errFinal, []frame{fin(99), data(90, 10)}},
		"another end above":               {errFinal, []frame{fin(99), fin(100)}},
		"another end below":               {errFinal, []frame{fin(99), fin(98)}},
		"ACK of what was not sent":        {errUnsent, []frame{(&peer{}).ack(0)}},
		"RESUME with what was not sent":   {errUnsent, []frame{(&peer{}).resume(3, 5)}},
		"the first of several violations": {errCredit, []frame{data(baseBuffer, 1), fin(0), fin(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t)
			if err := p.receive(c.frames...); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestMalformedPacketIsRefused(t *testing.T) {
	p := newPeer(t)
	if err := p.receive(data(0, 10), func(b []byte) []byte { return append(b, 0x3f) }); err == nil {
		t.Error("a malformed packet was accepted")
	}
	if n, _ := readable(p.s); n != 0 {
		t.Error("half a packet was applied")
	}
}

func TestTheLastByteOfCreditIsUsable(t *testing.T) {
	p := newPeer(t)
	p.deliver(data(baseBuffer-10, 10))
	p.deliver(fin(baseBuffer))
	p.drain()
}

// More list than maxGaps are not kept, nor acknowledged, so the peer sends
// the data again; what closes gaps is welcome.
func TestGapsAreBounded(t *testing.T) {
	p := newPeer(t)
	for i := range uint64(maxGaps) {
		p.deliver(data(2+3*i, 1))
		p.next()
	}
	if n := len(p.s.in.received); n != maxGaps {
		t.Fatalf("%d gaps", n)
	}
	end := uint64(2 + 3*maxGaps)
	p.deliver(data(end, 1))
	p.wantIdle("ignored")
	p.deliver(ping)
	p.next()
	if r := p.last.Ranges; r[0].Smallest != maxGaps+1 || r[1].Largest != maxGaps-1 {
		t.Errorf("the ACK lists %v", r[:2])
	}
	p.deliver(data(end-2, 1))
	p.deliver(data(3, 2))
	if n := len(p.s.in.received); n != maxGaps-1 {
		t.Errorf("%d gaps after two list grew together", n)
	}
	p.deliver(data(0, 2))
	p.deliver(data(end+1000, 1))
	if n := len(p.s.in.received); n != maxGaps-1 || p.s.in.next != 6 {
		t.Errorf("%d gaps, %d bytes in order", n, p.s.in.next)
	}
}
