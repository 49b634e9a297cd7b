package handshake

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestEnvelopeRefusesEveryFlippedBit(t *testing.T) {
	x := runHandshake(t, NewRoot(testKey, ""), "thermostat", seeded(1))
	root := NewRoot(testKey, "")
	for _, c := range []struct {
		what     string
		envelope *EnvelopeKey
		packet   []byte
	}{
		{"hello", root.Name("thermostat").HelloKey(), x.hello},
		{"answer", testInbox.Key(), x.answer},
	} {
		for bit := range len(c.packet) * 8 {
			packet := bytes.Clone(c.packet)
			packet[bit/8] ^= 1 << (bit % 8)
			if _, err := c.envelope.Open(packet); !errors.Is(err, ErrForged) {
				t.Fatalf("%s, byte %d, bit %d flipped: error %v, want ErrForged", c.what, bit/8, bit%8, err)
			}
		}
	}
}

func TestEnvelopeRefusesAnotherLength(t *testing.T) {
	e := testInbox.Key()
	packet := mustSeal(t, e, seeded(2), Pong{})
	for cut := 1; len(packet)-cut >= MinEnvelope; cut++ {
		if _, err := e.Open(packet[:len(packet)-cut]); !errors.Is(err, ErrForged) {
			t.Fatalf("cut by %d bytes: error %v, want ErrForged", cut, err)
		}
	}
	for len(packet) < MaxEnvelope {
		packet = append(packet, 0)
		if _, err := e.Open(packet); !errors.Is(err, ErrForged) {
			t.Fatalf("extended to %d bytes: error %v, want ErrForged", len(packet), err)
		}
	}
}

// The absence of work shows in the absence of allocations: the key derivation cannot do without.
func TestEnvelopeLengthOutsideBoundsDoesNoWork(t *testing.T) {
	e := testInbox.Key()
	for _, size := range []int{0, 1, saltSize, MinEnvelope - 1, MaxEnvelope + 1, 1 << 20} {
		packet := make([]byte, size)
		allocs := testing.AllocsPerRun(10, func() {
			if _, err := e.Open(packet); err != ErrLength {
				t.Fatalf("%d bytes: error %v, want ErrLength", size, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%d bytes: %v allocations, want none", size, allocs)
		}
	}
}

func TestEnvelopeBelongsToOneKeyNameAndTopic(t *testing.T) {
	root := NewRoot(testKey, "")
	other := testKey
	other[15] ^= 1
	packet := mustSeal(t, root.Name("a").HelloKey(), seeded(3), Check{})
	for what, e := range map[string]*EnvelopeKey{
		"another name": root.Name("b").HelloKey(),
		"no name":      root.Name("").HelloKey(),
		"an inbox":     testInbox.Key(),
		"another key":  NewRoot(other, "").Name("a").HelloKey(),
	} {
		if _, err := e.Open(packet); !errors.Is(err, ErrForged) {
			t.Errorf("opened with %s: error %v, want ErrForged", what, err)
		}
	}
	if m := mustOpen(t, root.Name("a").HelloKey(), packet); m != (Check{}) {
		t.Errorf("opened %v", m)
	}
}

func TestEnvelopeRefusesTypesOfOtherTopics(t *testing.T) {
	root := NewRoot(testKey, "")
	mustPanic(t, "a Pong to a rendezvous", func() { root.Name("").HelloKey().Seal(seeded(4), Pong{}) })
	mustPanic(t, "a Probe to an inbox", func() { testInbox.Key().Seal(seeded(4), Probe{}) })
	plaintext := frame(version, typePong, make([]byte, 8), 200)
	_, err := root.Name("").HelloKey().Open(sealPlaintext(root.Name("").HelloKey(), [16]byte{}, plaintext))
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("a Pong at a rendezvous: error %v, want ErrMalformed", err)
	}
}

// Only somebody who holds the key can make these.
func TestEnvelopeRefusesMalformedPlaintext(t *testing.T) {
	e := testInbox.Key()
	good := frame(version, typePong, []byte("12345678"), 170)
	open := func(plaintext []byte) error {
		_, err := e.Open(sealPlaintext(e, [16]byte{7}, plaintext))
		return err
	}
	if err := open(good); err != nil {
		t.Fatal(err)
	}
	for i := frameHeader + 8; i < len(good); i++ {
		plaintext := bytes.Clone(good)
		plaintext[i] = 0x80
		if err := open(plaintext); !errors.Is(err, ErrMalformed) {
			t.Fatalf("padding with a bit set at %d: error %v, want ErrMalformed", i, err)
		}
	}
	for what, plaintext := range map[string][]byte{
		"body too short":               frame(version, typePong, []byte("1234567"), 170),
		"body too long":                frame(version, typePong, []byte("123456789"), 170),
		"body beyond the end":          frame(version, typePong, make([]byte, 167), 170),
		"reason too long":              frame(version, typeRefusal, make([]byte, 9+MaxReason+1), 170),
		"reason that is not UTF-8":     frame(version, typeRefusal, []byte("12345678\x01\xff"), 170),
		"length beyond every envelope": append([]byte{version, typePong, 0xff, 0xff}, make([]byte, 166)...),
	} {
		if err := open(plaintext); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", what, err)
		}
	}
}

func TestEnvelopeReportsForeignVersions(t *testing.T) {
	e := NewRoot(testKey, "").Name("").HelloKey()
	hello := Hello{Time: testStart, ID: [8]byte{1}, Inbox: Inbox{ID: [16]byte{2}, Secret: [16]byte{3}}, Link: 4, Noise: []byte("something of version 2")}
	open := func(version, kind byte, body []byte) *VersionError {
		t.Helper()
		_, err := e.Open(sealPlaintext(e, [16]byte{8}, frame(version, kind, body, 200)))
		var foreign *VersionError
		if !errors.As(err, &foreign) || foreign.Version != version || foreign.Type != kind {
			t.Fatalf("version %d, type %d: error %v", version, kind, err)
		}
		return foreign
	}
	foreign := open(2, typeHello, hello.append(nil))
	if foreign.Hello == nil || foreign.Hello.ID != hello.ID || foreign.Hello.Inbox != hello.Inbox || foreign.Hello.Link != hello.Link ||
		!foreign.Hello.Time.Equal(hello.Time) || foreign.Hello.Digest() != hello.Digest() {
		t.Errorf("hello of version 2 read as %+v", foreign.Hello)
	}
	if foreign := open(0, typeHello, []byte("short")); foreign.Hello != nil {
		t.Errorf("a short hello of version 0 read as %+v", foreign.Hello)
	}
	badLink := hello.append(nil)
	badLink[linkAt(hello)] = MaxLinks
	if foreign := open(2, typeHello, badLink); foreign.Hello != nil {
		t.Errorf("a hello of version 2 with a link that no process has read as %+v", foreign.Hello)
	}
	for _, kind := range []byte{0, 11, 255} {
		if foreign := open(version, kind, hello.append(nil)); foreign.Hello != nil {
			t.Errorf("type %d read as a hello", kind)
		}
	}
}

func TestSealReportsItsSourceOfRandomness(t *testing.T) {
	broken := errors.New("broken")
	for _, random := range []io.Reader{iotest.ErrReader(broken), io.MultiReader(io.LimitReader(seeded(5), 19), iotest.ErrReader(broken))} {
		if _, err := testInbox.Key().Seal(random, Pong{}); !errors.Is(err, broken) {
			t.Errorf("error %v, want one that wraps that of the source", err)
		}
	}
}

func TestEnvelopeLengthIsUniform(t *testing.T) {
	e := testInbox.Key()
	random := seeded(6)
	for _, c := range []struct {
		reason   int
		shortest int
	}{{0, MinEnvelope}, {MaxReason, MinEnvelope}} {
		counts := make([]int, MaxEnvelope-c.shortest+1)
		for range 200 * len(counts) {
			packet := mustSeal(t, e, random, NewRefusal([8]byte{}, RefusedBusy, string(make([]byte, c.reason))))
			counts[len(packet)-c.shortest]++
		}
		checkUniform(t, "lengths", counts)
	}
}

func TestEnvelopeHoldsTheLargestBody(t *testing.T) {
	for _, draw := range []uint32{0, 1, 1<<32 - 1} {
		if n := drawLength(draw, maxBody); n != MaxEnvelope {
			t.Errorf("length %d for the largest body, want %d", n, MaxEnvelope)
		}
	}
	e := NewRoot(testKey, "").Name("").HelloKey()
	packet := mustSeal(t, e, seeded(7), Hello{Noise: make([]byte, maxBody-timeSize-idSize-2*inboxSize-1)})
	if len(packet) != MaxEnvelope {
		t.Errorf("length %d, want %d", len(packet), MaxEnvelope)
	}
	mustOpen(t, e, packet)
}
