package message

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

var (
	testKey  = mqtte2e.Key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	testTime = time.Unix(1_763_900_000, 123_456_789)
)

// A testClock stands still until it is set.
type testClock struct{ time.Time }

func (c *testClock) Now() time.Time { return c.Time }

// pair returns two Codecs with one key and one clock.
func pair() (sender, receiver *Codec, clock *testClock) {
	clock = &testClock{testTime}
	return &Codec{Key: testKey, Now: clock.Now}, &Codec{Key: testKey, Now: clock.Now}, clock
}

func mustSeal(tb testing.TB, c *Codec, message string) []byte {
	tb.Helper()
	packet, err := c.Seal([]byte(message))
	if err != nil {
		tb.Fatal(err)
	}
	return packet
}

func wantError(tb testing.TB, c *Codec, packet []byte, want error) {
	tb.Helper()
	if message, err := c.Open(packet); !errors.Is(err, want) || message != nil {
		tb.Errorf("opened to %q, %v, want %v", message, err, want)
	}
}

func TestMessageSizes(t *testing.T) {
	sender, receiver, _ := pair()
	for _, size := range []int{0, 1, 49, 50, 51, 255, 256, MaxMessageSize} {
		message := strings.Repeat("m", size)
		packet := mustSeal(t, sender, message)
		if want := Overhead + max(size, 50); len(packet) != want {
			t.Errorf("message of %d bytes: packet of %d, want %d", size, len(packet), want)
		}
		if opened, err := receiver.Open(packet); err != nil || string(opened) != message {
			t.Errorf("message of %d bytes: opened to %d bytes, %v", size, len(opened), err)
		}
	}
	if _, err := sender.Seal(make([]byte, MaxMessageSize+1)); err == nil {
		t.Error("a message of 65,536 bytes was sealed")
	}
}

func TestPadSizes(t *testing.T) {
	for pad, want := range map[int]int{-1: 4, 0: 50, 3: 4, 4: 4, 60: 60, MaxMessageSize: MaxMessageSize} {
		sender := &Codec{Key: testKey, PadSize: pad}
		packet := mustSeal(t, sender, "ping")
		if len(packet) != Overhead+want {
			t.Errorf("PadSize %d: packet of %d bytes, want %d", pad, len(packet), Overhead+want)
		}
		if message, err := (&Codec{Key: testKey}).Open(packet); err != nil || string(message) != "ping" {
			t.Errorf("PadSize %d: opened to %q, %v", pad, message, err)
		}
	}
}

// TestEveryByteCounts changes each byte of a packet in each bit, and cuts and extends it everywhere.
func TestEveryByteCounts(t *testing.T) {
	sender, receiver, _ := pair()
	packet := mustSeal(t, sender, "turn on")
	for i := range packet {
		for bit := range 8 {
			changed := bytes.Clone(packet)
			changed[i] ^= 1 << bit
			wantError(t, receiver, changed, ErrForged)
		}
		want := ErrForged
		if i < Overhead {
			want = ErrMalformed
		}
		wantError(t, receiver, packet[:i], want)
	}
	wantError(t, receiver, append(bytes.Clone(packet), 0), ErrForged)
	wantError(t, receiver, make([]byte, MaxPacketSize+1), ErrMalformed)
	wantError(t, receiver, nil, ErrMalformed)
	if message, err := receiver.Open(packet); err != nil || string(message) != "turn on" {
		t.Errorf("after all these, the packet itself: %q, %v", message, err)
	}
}

func TestOtherKeyOrAuthData(t *testing.T) {
	sender, _, clock := pair()
	packet := mustSeal(t, sender, "ping")
	wantError(t, &Codec{Key: mqtte2e.NewKey(), Now: clock.Now}, packet, ErrForged)
	wantError(t, &Codec{Key: testKey, AuthData: "12345678", Now: clock.Now}, packet, ErrForged)
	if _, err := (&Codec{Key: testKey, AuthData: "1234567812345678", Now: clock.Now}).Open(packet); err != nil {
		t.Errorf("the default AuthData spelled out: %v", err)
	}
}

// sealPlain makes a genuine packet of any plaintext.
func sealPlain(c *Codec, at time.Time, plain string) []byte {
	packet := make([]byte, ivSize+len(plain)+tagSize)
	copy(plaintext(packet), plain)
	if err := errors.Join(c.prepare(), c.sealPlaintext(packet, at)); err != nil {
		panic("BUG: " + err.Error())
	}
	return packet
}

// TestGenuineButWrong checks each reason to refuse what the key's holder sealed, and which of several reasons is told.
func TestGenuineButWrong(t *testing.T) {
	for _, test := range []struct {
		name  string
		off   time.Duration
		plain string
		want  error
	}{
		{"version 0", 0, "\x00\x00\x04ping", ErrVersion},
		{"version 2, old and too long", -time.Hour, "\x02\xff\xff", ErrVersion},
		{"size one too large", 0, "\x01\x00\x05ping", ErrMalformed},
		{"size too large for any packet", 0, "\x01\xff\xffping", ErrMalformed},
		{"size one too small", 0, "\x01\x00\x03ping", ErrMalformed},
		{"size too small, old", -time.Hour, "\x01\x00\x00ping", ErrMalformed},
		{"padding not zero", 0, "\x01\x00\x04ping\x00\x00\x01", ErrMalformed},
		{"old", -time.Hour, "\x01\x00\x04ping", ErrTime},
		{"future", time.Hour, "\x01\x00\x04ping", ErrTime},
	} {
		_, receiver, clock := pair()
		packet := sealPlain(&Codec{Key: testKey}, clock.Add(test.off), test.plain)
		if _, err := receiver.Open(packet); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		wantError(t, receiver, packet, test.want)
	}
}

func TestWrongFields(t *testing.T) {
	for name, codec := range map[string]*Codec{
		"no key":          {},
		"pad too large":   {Key: testKey, PadSize: MaxMessageSize + 1},
		"negative window": {Key: testKey, TimeWindow: -1},
	} {
		if _, err := codec.Seal(nil); err == nil {
			t.Errorf("%s: sealed", name)
		}
		if _, err := codec.Open(make([]byte, 100)); err == nil || errors.Is(err, ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, year := range []int{1, 1969, 2263, 9999} {
		codec := &Codec{Key: testKey, Now: func() time.Time { return time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC) }}
		if _, err := codec.Seal(nil); err == nil || !strings.Contains(err.Error(), fmt.Sprint(year)) {
			t.Errorf("sealed in the year %d: %v", year, err)
		}
	}
	if _, err := (&Codec{Key: testKey, Rand: strings.NewReader("abc")}).Seal(nil); err == nil {
		t.Error("sealed with 3 random bytes")
	}
}

func TestTimeErrorText(t *testing.T) {
	for offset, want := range map[time.Duration]string{
		-time.Hour:       "1h0m0s behind this clock",
		-maxDuration:     "2562047h47m16.854775807s behind",
		-maxDuration - 1: "2562047h47m16.854775807s behind",
		90 * time.Second: "1m30s ahead of this clock",
	} {
		if text := (&TimeError{offset, 10 * time.Second}).Error(); !strings.Contains(text, want) {
			t.Errorf("%v: %s, want %s", offset, text, want)
		}
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	codec := &Codec{Key: testKey}
	mustSeal(t, codec, "ping")
	var text string
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		text += fmt.Sprintf(format, codec)
	}
	// The last two are the first word of the expanded key.
	for _, secret := range []string{testKey.Hex(), "1 2 3 4 5 6", "0x1, 0x2, 0x3", "16909060", "67305985"} {
		if strings.Contains(text, secret) {
			t.Errorf("printed the key: %s", text)
		}
	}
}
