package message

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
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
func sealPlain(c *Codec, at time.Time, plain []byte) []byte {
	packet := make([]byte, ivSize, ivSize+len(plain)+tagSize)
	if err := errors.Join(c.prepare(), c.putIV(packet, at)); err != nil {
		panic("BUG: " + err.Error())
	}
	return c.aead.Seal(packet, packet, plain, c.bound)
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
		packet := sealPlain(&Codec{Key: testKey}, clock.Add(test.off), []byte(test.plain))
		if _, err := receiver.Open(packet); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		wantError(t, receiver, packet, test.want)
	}
}

func TestReplayAndReflection(t *testing.T) {
	sender, receiver, _ := pair()
	first, second := mustSeal(t, sender, "on"), mustSeal(t, sender, "off")
	for _, packet := range [][]byte{second, first} {
		if _, err := receiver.Open(packet); err != nil {
			t.Errorf("out of order: %v", err)
		}
		wantError(t, receiver, packet, ErrReplay)
		wantError(t, sender, packet, ErrReplay)
	}
	wantError(t, receiver, second, ErrReplay)
}

func TestWindowEdges(t *testing.T) {
	for _, window := range []time.Duration{0, time.Nanosecond, 3 * time.Second, 1000 * time.Hour} {
		width := orDefault(window, 10*time.Second)
		for _, test := range []struct {
			off    time.Duration
			inside bool
		}{{-width - 1, false}, {-width, true}, {0, true}, {width, true}, {width + 1, false}} {
			receiver := &Codec{Key: testKey, TimeWindow: window, Now: func() time.Time { return testTime }}
			sender := &Codec{Key: testKey, Now: func() time.Time { return testTime.Add(test.off) }}
			packet := mustSeal(t, sender, "ping")
			_, err := receiver.Open(packet)
			if (err == nil) != test.inside {
				t.Errorf("window %v, off by %v: %v", width, test.off, err)
			}
			var off *TimeError
			if errors.As(err, &off) && (off.Offset != test.off || off.Window != width || !errors.Is(err, ErrTime)) {
				t.Errorf("off by %v, window %v, told as %+v", test.off, width, off)
			}
			if test.inside {
				wantError(t, receiver, packet, ErrReplay)
			}
		}
	}
}

// TestReplayAtTheEdge repeats a packet for as long as it is within the window.
func TestReplayAtTheEdge(t *testing.T) {
	sender, receiver, clock := pair()
	sent := clock.Time
	packet := mustSeal(t, sender, "ping")
	clock.Time = sent.Add(-10 * time.Second)
	if _, err := receiver.Open(packet); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{-10 * time.Second, 0, 10 * time.Second} {
		clock.Time = sent.Add(at)
		wantError(t, receiver, packet, ErrReplay)
	}
	clock.Time = sent.Add(10*time.Second + 1)
	wantError(t, receiver, packet, ErrTime)
}

// TestClockSetBack: what left the window stays refused when a clock that is set back brings it into the window again.
func TestClockSetBack(t *testing.T) {
	sender, receiver, clock := pair()
	sent := clock.Time
	packet := mustSeal(t, sender, "ping")
	if _, err := receiver.Open(packet); err != nil {
		t.Fatal(err)
	}
	clock.Time = sent.Add(time.Hour)
	if _, err := receiver.Open(mustSeal(t, sender, "later")); err != nil {
		t.Fatal(err)
	}
	clock.Time = sent
	wantError(t, receiver, packet, ErrReplay)
	if _, err := receiver.Open(mustSeal(t, &Codec{Key: testKey, Now: func() time.Time { return sent.Add(1) }}, "new")); err != nil {
		t.Errorf("a new packet after the clock was set back: %v", err)
	}
}

// TestSealedTimeNeverGoesBack seals under a clock that stands, jumps and is set back, from many goroutines.
func TestSealedTimeNeverGoesBack(t *testing.T) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	codec := &Codec{Key: testKey, Rand: bytes.NewReader(make([]byte, 4*4000)), Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return testTime.Add(time.Duration(random.IntN(5)-2) * time.Second)
	}}
	seen := make(map[string]bool)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			last := iv{}
			for range 1000 {
				packet := mustSeal(t, codec, "ping")
				if v := readIV(packet); v.time <= last.time {
					t.Errorf("time went from %d to %d", last.time, v.time)
				} else {
					last = v
				}
				mu.Lock()
				if seen[string(packet[:ivSize])] {
					t.Errorf("IV %x twice", packet[:ivSize])
				}
				seen[string(packet[:ivSize])] = true
				mu.Unlock()
			}
		})
	}
	workers.Wait()
}

// TestOneOfManyReplays opens one packet from many goroutines: one of them gets it.
func TestOneOfManyReplays(t *testing.T) {
	sender, receiver, _ := pair()
	packet := mustSeal(t, sender, "ping")
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			_, err := receiver.Open(packet)
			results <- err
		}()
	}
	opened := 0
	for range cap(results) {
		if err := <-results; err == nil {
			opened++
		} else if !errors.Is(err, ErrReplay) {
			t.Error(err)
		}
	}
	if opened != 1 {
		t.Errorf("opened %d times", opened)
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
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		text += fmt.Sprintf(format, codec)
	}
	for _, secret := range []string{testKey.Hex(), "1 2 3 4 5 6", "0x1, 0x2, 0x3"} {
		if strings.Contains(text, secret) {
			t.Errorf("printed the key: %s", text)
		}
	}
}
