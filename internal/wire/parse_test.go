package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestMalformed(t *testing.T) {
	ackHead := "\x02\x00\x00\x00\x00\x00" // delay, arrival, credit and grant are 0; the range count follows
	for _, c := range []struct {
		packet, field string
		cause         error
	}{
		{"\x0a", "type", errUnknownType},
		{"\xff", "type", errUnknownType},
		{"\x00\x00\x06", "padding", errNotZero},
		{"\x01", "offset", errTruncated},
		{"\x01\x40\x01\x01x", "offset", errNotMinimal},
		{"\x01\x00", "length", errTruncated},
		{"\x01\x00\x00", "length", errNoData},
		{"\x01\x00\x02x", "data", errTruncated},
		{"\x01\x00\xff\xff\xff\xff\xff\xff\xff\xffx", "data", errTruncated},
		{"\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01x", "length", errBeyondEnd},
		{"\x02", "delay", errTruncated},
		{"\x02\xc0\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", "delay", errDelay},
		{"\x02\x00", "arrival", errTruncated},
		{"\x02\x00\xc0\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "arrival", errArrival},
		{"\x02\x00\x00", "credit", errTruncated},
		{"\x02\x00\x00\x00", "grant of messages", errTruncated},
		{"\x02\x00\x00\x00\x00", "grant of bytes", errTruncated},
		{ackHead, "range count", errTruncated},
		{ackHead + "\x21" + strings.Repeat("\x00", 70), "range count", errTooManyRanges},
		{ackHead + "\x01", "largest number", errTruncated},
		{ackHead + "\x01\x05", "range length", errTruncated},
		{ackHead + "\x01\x05\x06", "range length", errBelowZero},
		{ackHead + "\x02\x05\x00", "gap", errTruncated},
		{ackHead + "\x02\x05\x00\x04\x00", "gap", errBelowZero},
		{ackHead + "\x02\x05\x05\x00\x00", "gap", errBelowZero},
		{ackHead + "\x02\x05\x00\x03\x01", "range length", errBelowZero},
		{"\x07\x00\x00\x00\x00\x00\x00\x00\x40\x00", "range count", errNotMinimal},
		{"\x07\x00\x40\x05\x00\x00\x00\x00\x00\x00", "count", errNotMinimal},
		{"\x07\x40\x40\x00\x00\x00\x00\x00\x00", "path", errPath},
		{"\x08\x40\x40\x42\x00\x00", "path", errPath},
		{"\x08\x00\x41\xff\x00", "size", errSize},
		{"\x09\x00\x80\x10\x00\x01\x00", "size", errSize},
		{"\x09\x00\x42\x00", "round", errTruncated},
		{"\x03", "final offset", errTruncated},
		{"\x05\x40", "code", errTruncated},
	} {
		packet := "\x04\x06" + c.packet // two good frames before it, which must not be visited either
		_, calls, err := reencode([]byte(packet))
		if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), "at byte 2 ") || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%x: error %v, want %q in field %s at byte 2", packet, err, c.cause, c.field)
		}
		if calls != 0 {
			t.Errorf("%x: %d frames of a malformed packet were visited", packet, calls)
		}
		if got, want := Describe([]byte(packet)), fmt.Sprintf("STOP PING %v", err); got != want {
			t.Errorf("%x: described as %q, want %q", packet, got, want)
		}
	}
}

// randomPacket returns frames of all types with fields of all sizes, and some padding.
func randomPacket(r *rand.Rand) []byte {
	var b []byte
	if r.IntN(4) == 0 {
		return append(randomPathPacket(r), make([]byte, r.IntN(3))...)
	}
	acks := 0
	for range r.IntN(6) {
		kind := 1 + r.IntN(7)
		if kind == TypeAck || kind == TypeResume {
			if acks++; acks > 1 {
				continue
			}
		}
		switch kind {
		case TypeStream:
			data := bytes.Repeat([]byte{'x'}, 1+r.IntN(300))
			offset := min(randomInteger(r), MaxInteger-uint64(len(data)))
			header := AppendStreamHeader(nil, offset, len(data))
			if StreamHeaderLen(offset, len(data)) != len(header) {
				panic("StreamHeaderLen tells another length than AppendStreamHeader makes")
			}
			b = append(append(b, header...), data...)
		case TypeAck:
			b = AppendAck(b, randomAck(r))
		case TypeResume:
			b = AppendResume(b, Resume{uint8(r.IntN(MaxPath + 1)), randomInteger(r)}, randomAck(r))
		case TypeFin:
			b = AppendFin(b, randomInteger(r))
		case TypeStop:
			b = AppendStop(b)
		case TypeReset:
			b = AppendReset(b, randomInteger(r))
		case TypePing:
			b = AppendPing(b)
		}
	}
	return append(b, make([]byte, r.IntN(3))...)
}

func randomPathPacket(r *rand.Rand) (b []byte) {
	path := func() Path {
		return Path{uint8(r.IntN(MaxPath + 1)), MinSize + r.IntN(MaxSize-MinSize+1), randomInteger(r)}
	}
	if r.IntN(2) == 0 {
		b = AppendPathResponse(b, path())
	}
	return AppendPathChallenge(b, path())
}

func randomInteger(r *rand.Rand) uint64 { return r.Uint64() >> (2 + r.IntN(62)) }

func randomAck(r *rand.Rand) *Ack {
	a := &Ack{
		Delay: time.Duration(r.IntN(1e6)) * time.Microsecond, Arrival: time.Duration(r.Int64()>>(11+r.IntN(52))) * time.Microsecond,
		Credit: randomInteger(r), GrantMessages: randomInteger(r), GrantBytes: randomInteger(r),
	}
	number := randomInteger(r)
	for range r.IntN(MaxRanges + 1) {
		length, gap := r.Uint64N(20), 2+r.Uint64N(20)
		if number < length+gap {
			break
		}
		a.Ranges = append(a.Ranges, Range{number - length, number})
		number -= length + gap
	}
	return a
}

func TestRandomPackets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		packet := randomPacket(r)
		again, _, err := reencode(packet)
		if err != nil || !bytes.Equal(again, packet) {
			t.Fatalf("% x:\nencoded again % x, error %v", packet, again, err)
		}
	}
}

func TestSecondAck(t *testing.T) {
	ack := AppendAck(nil, new(Ack))
	for _, second := range [][]byte{ack, AppendResume(nil, Resume{}, new(Ack))} {
		if _, calls, err := reencode(append(bytes.Clone(ack), second...)); !errors.Is(err, errSecondAck) || calls != 0 {
			t.Errorf("after an ACK % x: %v, %d frames visited", second, err, calls)
		}
		text := Describe(append(bytes.Clone(ack), second...))
		if !strings.HasPrefix(text, "ACK none delay=0us arrival=0us credit=0 grant=0/0 wire: malformed") || !strings.Contains(text, errSecondAck.Error()) {
			t.Errorf("after an ACK % x: described as %q", second, text)
		}
	}
}

func TestPathFramesStandAlone(t *testing.T) {
	p := Path{Path: 11, Size: 32 << 10, Round: 300}
	challenge, response := AppendPathChallenge(nil, p), AppendPathResponse(nil, p)
	for name, packet := range map[string][]byte{
		"behind a PING":       append(AppendPing(nil), challenge...),
		"before a PING":       AppendPing(bytes.Clone(response)),
		"before an ACK":       AppendAck(bytes.Clone(response), new(Ack)),
		"two challenges":      append(bytes.Clone(challenge), challenge...),
		"two responses":       append(bytes.Clone(response), response...),
		"a third":             append(append(bytes.Clone(challenge), response...), challenge...),
		"behind STREAM bytes": append(append(AppendStreamHeader(nil, 0, 1), 'x'), challenge...),
	} {
		if _, calls, err := reencode(packet); !errors.Is(err, errNotAlone) || calls != 0 {
			t.Errorf("%s: %v, %d frames visited", name, err, calls)
		}
	}
	if _, calls, err := reencode(append(append(challenge, response...), 0, 0)); err != nil || calls != 2 {
		t.Errorf("one of each: %v, %d frames visited", err, calls)
	}
}

// Each beginning of a packet and each packet with one byte changed is either refused as a whole or has one encoding.
func TestDamagedPackets(t *testing.T) {
	check := func(packet []byte) {
		again, calls, err := reencode(packet)
		if err != nil && calls > 0 {
			t.Fatalf("% x: refused after %d visits: %v", packet, calls, err)
		}
		if err == nil && !bytes.Equal(again, packet) {
			t.Fatalf("% x: encoded again % x", packet, again)
		}
	}
	for _, x := range examples(t) {
		for i := range x.packet {
			check(x.packet[:i])
			for change := 1; change < 256; change++ {
				damaged := bytes.Clone(x.packet)
				damaged[i] ^= byte(change)
				check(damaged)
			}
		}
	}
}

func TestAckDelayIsClamped(t *testing.T) {
	for delay, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 1999 * time.Nanosecond: time.Microsecond, MaxDelay: MaxDelay, 100 * time.Hour: MaxDelay,
	} {
		var a Ack
		if err := Parse(AppendAck(nil, &Ack{Delay: delay}), &a, &encoder{}); err != nil || a.Delay != want {
			t.Errorf("delay %v arrives as %v, want %v (%v)", delay, a.Delay, want, err)
		}
	}
}

func TestAckArrivalIsClamped(t *testing.T) {
	for arrival, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 1999 * time.Nanosecond: time.Microsecond, MaxArrival: MaxArrival, MaxArrival + time.Hour: MaxArrival,
	} {
		var a Ack
		if err := Parse(AppendAck(nil, &Ack{Arrival: arrival}), &a, &encoder{}); err != nil || a.Arrival != want {
			t.Errorf("arrival %v arrives as %v, want %v (%v)", arrival, a.Arrival, want, err)
		}
	}
}

// TestLongestAck makes every field as long as it can be.
func TestLongestAck(t *testing.T) {
	a := &Ack{Delay: MaxDelay, Arrival: MaxArrival, Credit: MaxInteger, GrantMessages: MaxInteger, GrantBytes: MaxInteger}
	for number := uint64(MaxInteger); len(a.Ranges) < MaxRanges; number -= 3 << 31 {
		a.Ranges = append(a.Ranges, Range{number - 1<<31, number})
	}
	if n := len(AppendAck(nil, a)); n != 554 {
		t.Errorf("an ACK takes up to %d bytes, want 554", n)
	}
}

func panicOf(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

func TestMisusePanics(t *testing.T) {
	ack := func(ranges ...Range) func() { return func() { AppendAck(nil, &Ack{Ranges: ranges}) } }
	for want, misuses := range map[string][]func(){
		"no STREAM frame": {
			func() { AppendStreamHeader(nil, 0, 0) },
			func() { AppendStreamHeader(nil, 0, -1) },
			func() { AppendStreamHeader(nil, MaxInteger, 1) },
			func() { AppendStreamHeader(nil, MaxInteger+1, 1) },
		},
		"above 2^62-1":       {func() { AppendFin(nil, MaxInteger+1) }},
		"33 ranges":          {ack(make([]Range, 33)...)},
		"upside down":        {ack(Range{2, 1}), ack(Range{9, 9}, Range{7, 6})},
		"does not lie apart": {ack(Range{5, 6}, Range{3, 4}), ack(Range{5, 6}, Range{2, 8}), ack(Range{1, 2}, Range{0, 0}), ack(Range{1, 2}, Range{5, 6})},
	} {
		for i, misuse := range misuses {
			if text := panicOf(misuse); !strings.HasPrefix(text, "BUG: wire: ") || !strings.Contains(text, want) {
				t.Errorf("%s, %d: panic %q", want, i, text)
			}
		}
	}
}

// appender is a Visitor that appends to the data it is given, which must not reach the frames behind it.
type appender struct{ encoder }

func (a *appender) Stream(offset uint64, data []byte) {
	a.encoder.Stream(offset, data)
	_ = append(data, 0xff)
}

func TestDataIsBounded(t *testing.T) {
	packet := append(append(AppendStreamHeader(nil, 0, 3), "abc"...), TypePing)
	if err := Parse(packet, new(Ack), new(appender)); err != nil || packet[len(packet)-1] != TypePing {
		t.Errorf("appending to the data changed the packet to % x (%v)", packet, err)
	}
}

// discard is a Visitor that keeps nothing.
type discard struct{}

func (discard) Stream(uint64, []byte) {}
func (discard) Ack(*Ack)              {}
func (discard) Resume(Resume, *Ack)   {}
func (discard) Fin(uint64)            {}
func (discard) Stop()                 {}
func (discard) Reset(uint64)          {}
func (discard) Ping()                 {}
func (discard) PathChallenge(Path)    {}
func (discard) PathResponse(Path)     {}

func TestNoAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	packet := AppendPing(AppendFin(AppendResume(nil, Resume{9, 300}, randomAck(r)), 5))
	buffer := make([]byte, 0, 2048)
	var scratch Ack
	var v Visitor = discard{}
	if n := testing.AllocsPerRun(1000, func() {
		if err := Parse(packet, &scratch, v); err != nil {
			t.Fatal(err)
		}
		AppendAck(AppendStreamHeader(buffer, 1<<40, 1000), &scratch)
	}); n != 0 {
		t.Errorf("parsing and encoding a packet allocates %v times", n)
	}
}

func BenchmarkParse(b *testing.B) {
	ack := AppendAck(nil, &Ack{Delay: time.Millisecond, Arrival: time.Hour, Credit: 1 << 20, GrantMessages: 128, GrantBytes: 1 << 22, Ranges: []Range{{900, 1000}, {1, 800}}})
	data := make([]byte, 16<<10)
	packet := append(AppendStreamHeader(ack, 1<<30, len(data)), data...)
	var scratch Ack
	var v Visitor = discard{}
	b.ReportAllocs()
	for b.Loop() {
		if err := Parse(packet, &scratch, v); err != nil {
			b.Fatal(err)
		}
	}
}
