package link

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// newTestInbound returns an inbound that has seen CONNACK and has handler for the topic "ours".
func newTestInbound(stream io.Reader, handler Handler) *inbound {
	l := New(Config{MaxPayload: testMaxPayload, Logger: slog.New(slog.DiscardHandler)}, nil)
	l.routes.Store(newRoutes(map[string]*subscription{"ours": {handler: handler}}))
	in := newInbound(l, stream)
	in.connected = true
	return in
}

// stream builds what a broker sends, and what should reach the handler.
type stream struct {
	bytes             []byte
	payloads          [][]byte
	dropped, oversize uint64
}

// random appends a random packet that the link survives.
func (s *stream) random(random *rand.Rand) {
	payload := make([]byte, random.IntN(1<<random.IntN(17)))
	for i := range payload {
		payload[i] = byte(random.Uint32())
	}
	switch random.IntN(8) {
	case 0:
		s.bytes = append(s.bytes, 0xD0, 0)
	case 1:
		flags := []byte{1, 2, 3, 4, 5, 8, 9}[random.IntN(7)]
		s.bytes = appendPublish(s.bytes, flags, "ours", payload)
		s.dropped++
	case 2:
		s.bytes = appendPublish(s.bytes, 0, strings.Repeat("theirs", random.IntN(1000)), payload)
		s.dropped++
	default:
		s.bytes = appendPublish(s.bytes, 0, "ours", payload)
		if len(payload) > testMaxPayload {
			s.oversize++
		} else {
			s.payloads = append(s.payloads, payload)
		}
	}
}

func TestInboundDeliversExactlyWhatIsOurs(t *testing.T) {
	var s stream
	random := rand.New(rand.NewPCG(1, 2))
	for len(s.bytes) < 1<<20 {
		s.random(random)
	}
	for name, reader := range map[string]io.Reader{
		"whole":   bytes.NewReader(s.bytes),
		"halves":  iotest.HalfReader(bytes.NewReader(s.bytes)),
		"dribble": iotest.OneByteReader(bytes.NewReader(s.bytes)),
	} {
		t.Run(name, func(t *testing.T) {
			got := 0
			in := newTestInbound(reader, func(topic, payload []byte, now time.Time) {
				if string(topic) != "ours" || now.IsZero() || got == len(s.payloads) || !bytes.Equal(payload, s.payloads[got]) {
					t.Fatalf("payload %d: %d bytes on %q that differ", got, len(payload), topic)
				}
				clear(payload) // a handler may
				got++
			})
			if err := in.run(); err != io.EOF {
				t.Errorf("run: %v", err)
			}
			if got != len(s.payloads) || in.link.counters.dropped.Load() != s.dropped || in.link.counters.oversize.Load() != s.oversize {
				t.Errorf("%d payloads, %d dropped, %d oversize; want %d, %d, %d", got,
					in.link.counters.dropped.Load(), in.link.counters.oversize.Load(), len(s.payloads), s.dropped, s.oversize)
			}
		})
	}
}

func TestInboundEndsOnMalformedPackets(t *testing.T) {
	for name, packet := range map[string][]byte{
		"PUBLISH without topic length": {0x30, 1, 0},
		"topic beyond the packet":      {0x30, 3, 0, 2, 'a'},
		"QoS 3":                        {0x36, 2, 0, 0},
		"long PINGRESP":                {0xD0, 1, 0},
		"huge SUBACK":                  {0x90, 0xFF, 0xFF, 0xFF, 0x7F},
		"SUBACK nobody asked for":      {0x90, 3, 0, 1, 0},
		"short SUBACK":                 {0x90, 2, 0, 1},
		"UNSUBACK nobody asked for":    {0xB0, 2, 0, 1},
		"short UNSUBACK":               {0xB0, 1, 0},
		"second CONNACK":               {0x20, 2, 0, 0},
		"CONNECT from a broker":        {0x10, 2, 0, 0},
		"DISCONNECT from a broker":     {0xE0, 0},
		"PUBREL":                       {0x62, 2, 0, 1},
	} {
		if err := newTestInbound(bytes.NewReader(packet), nil).run(); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInboundBeforeConnAck(t *testing.T) {
	for name, test := range map[string]struct {
		packet    []byte
		malformed bool
	}{
		"PUBLISH":       {[]byte{0x30, 2, 0, 0}, true},
		"PINGRESP":      {[]byte{0xD0, 0}, true},
		"long CONNACK":  {[]byte{0x20, 3, 0, 0, 0}, true},
		"CONNACK flags": {[]byte{0x20, 2, 2, 0}, true},
		"CONNACK 6":     {[]byte{0x20, 2, 0, 6}, true},
		"CONNACK 3":     {[]byte{0x20, 2, 0, 3}, false},
	} {
		in := newTestInbound(bytes.NewReader(test.packet), nil)
		in.connected = false
		var refused *RefusedError
		switch err := in.run(); {
		case test.malformed && !errors.Is(err, errMalformed), !test.malformed && !errors.As(err, &refused):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// repeat is an endless stream of one packet.
type repeat struct {
	packet []byte
	offset int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.packet[r.offset:])
	r.offset = (r.offset + n) % len(r.packet)
	return n, nil
}

// repeatPublish is a stream of many PUBLISH packets on "ours".
func repeatPublish(size int) *repeat {
	var packets []byte
	for len(packets) < readBuffer {
		packets = appendPublish(packets, 0, "ours", make([]byte, size))
	}
	return &repeat{packet: packets}
}

func TestInboundDoesNotAllocate(t *testing.T) {
	for _, size := range []int{100, 1 << 10, testMaxPayload} {
		in := newTestInbound(repeatPublish(size), func([]byte, []byte, time.Time) {})
		allocations := testing.AllocsPerRun(1000, func() {
			if err := in.next(); err != nil {
				t.Fatal(err)
			}
		})
		if allocations != 0 {
			t.Errorf("%v allocations for a payload of %d bytes", allocations, size)
		}
	}
}

func BenchmarkInbound100B(b *testing.B)  { benchmarkInbound(b, 100) }
func BenchmarkInbound1KiB(b *testing.B)  { benchmarkInbound(b, 1<<10) }
func BenchmarkInbound60KiB(b *testing.B) { benchmarkInbound(b, testMaxPayload) }

// benchmarkInbound measures a packet's way from the socket's buffer to its handler, the copying by "the kernel" included.
func benchmarkInbound(b *testing.B, size int) {
	b.ReportAllocs()
	b.SetBytes(int64(size))
	in := newTestInbound(repeatPublish(size), func([]byte, []byte, time.Time) {})
	for b.Loop() {
		if err := in.next(); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzInbound feeds anything to the reader: it must end with an error, and never hand over more than maxPayload.
func FuzzInbound(f *testing.F) {
	var s stream
	random := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		s.random(random)
	}
	f.Add(s.bytes)
	for _, test := range headers {
		f.Add(test.bytes)
	}
	f.Add([]byte{0x20, 2, 0, 0, 0x90, 3, 0, 1, 0, 0x30, 7, 0, 4, 'o', 'u', 'r', 's', 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := newTestInbound(bytes.NewReader(b), func(topic, payload []byte, _ time.Time) {
			if string(topic) != "ours" || len(payload) > testMaxPayload {
				t.Fatalf("%d bytes on %q", len(payload), topic)
			}
		})
		in.connected = len(b) == 0 || b[0]>>4 != packets.Connack
		if in.run() == nil {
			t.Fatal("run ended without an error")
		}
	})
}
