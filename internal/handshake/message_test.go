package handshake

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// messages holds one of each type, with the length of its body.
var messages = []struct {
	message Message
	size    int
}{
	{Hello{Time: testStart, ID: [8]byte{1}, Inbox: Inbox{ID: [16]byte{2}, Secret: [16]byte{4}}, Link: 7, Noise: bytes.Repeat([]byte{3}, 90)}, 49 + 90},
	{Probe{Nonce: [8]byte{1}, Inbox: Inbox{ID: [16]byte{2}, Secret: [16]byte{4}}, Link: 6}, 41},
	{Check{Nonce: [8]byte{1}, Reply: Inbox{ID: [16]byte{2}, Secret: [16]byte{5}}, Link: 5, ID: [8]byte{3}, Instance: [16]byte{4}}, 65},
	{Answer{ID: [8]byte{1}, Link: 4, Noise: bytes.Repeat([]byte{3}, 80)}, 9 + 80},
	{NewRefusal([8]byte{1}, RefusedProtocol, "offered mux, have “”"), 9 + 24},
	{Time{ID: [8]byte{1}, Hello: testStart, Listener: testStart.Add(-3)}, 24},
	{Pong{Nonce: [8]byte{1}}, 8},
	{Gone{Nonce: [8]byte{1}, Token: [16]byte{2}}, 24},
	{NotMine{Nonce: [8]byte{1}}, 8},
}

func TestMessagesTravelUnchanged(t *testing.T) {
	root := NewRoot(testKey, "")
	random := seeded(50)
	for i, c := range messages {
		if kind := c.message.kind(); int(kind) != i+1 {
			t.Errorf("%T has type %d, want %d", c.message, kind, i+1)
		}
		if size := len(c.message.append(nil)); size != c.size {
			t.Errorf("%T has a body of %d bytes, want %d", c.message, size, c.size)
		}
		for _, e := range []*EnvelopeKey{testInbox.Key(), root.Name("x").HelloKey()} {
			if e.types&(1<<c.message.kind()) == 0 {
				continue
			}
			if m := mustOpen(t, e, mustSeal(t, e, random, c.message)); !reflect.DeepEqual(m, c.message) {
				t.Errorf("%+v arrived as %+v", c.message, m)
			}
		}
	}
}

func TestMessagesHaveOneLength(t *testing.T) {
	for _, c := range messages {
		body := c.message.append(nil)
		for n := range body {
			_, err := parseBody(c.message.kind(), body[:n])
			if fixed := !variable(c.message); fixed && !errors.Is(err, ErrMalformed) {
				t.Errorf("%T cut to %d bytes: error %v, want ErrMalformed", c.message, n, err)
			}
		}
		if _, err := parseBody(c.message.kind(), append(body, 0)); !variable(c.message) && !errors.Is(err, ErrMalformed) {
			t.Errorf("%T with a byte more: error %v, want ErrMalformed", c.message, err)
		}
	}
}

func variable(m Message) bool {
	switch m.(type) {
	case Hello, Answer, Refusal:
		return true
	}
	return false
}

func TestMessageKeepsNothingOfThePacket(t *testing.T) {
	for _, c := range messages {
		body := c.message.append(nil)
		m, err := parseBody(c.message.kind(), body)
		if err != nil {
			t.Fatal(err)
		}
		clear(body)
		if !reflect.DeepEqual(m, c.message) {
			t.Errorf("%T changed with the buffer that it came from", m)
		}
	}
}

func TestNewRefusalFits(t *testing.T) {
	for _, reason := range []string{"", "short", strings.Repeat("a", 500), strings.Repeat("ä", 100), "a" + strings.Repeat("ä", 100), strings.Repeat("€", 80), "\xff\xfe bad"} {
		m := NewRefusal([8]byte{1}, RefusedBusy, reason)
		if len(m.Reason) > MaxReason || len(m.Reason) < min(len(reason), MaxReason-utf8.UTFMax)-1 || !utf8.ValidString(m.Reason) {
			t.Errorf("reason of %d bytes became %q", len(reason), m.Reason)
		}
	}
	mustPanic(t, "a refusal too long", func() { Refusal{Reason: strings.Repeat("a", MaxReason+1)}.append(nil) })
}

func TestRefusalCodesHaveWords(t *testing.T) {
	seen := make(map[string]bool)
	for code := RefusalCode(0); code < 6; code++ {
		if words := code.String(); words == "" || seen[words] {
			t.Errorf("code %d reads %q", byte(code), words)
		} else {
			seen[words] = true
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range messages {
		f.Add(frame(version, c.message.kind(), c.message.append(nil), 200))
	}
	for _, c := range linked(MaxLinks) {
		f.Add(frame(version, c.kind, c.body, 200))
	}
	f.Add(frame(2, typeHello, make([]byte, 40), 160))
	f.Add(frame(version, 10, nil, 160))
	f.Add([]byte{1, 7, 0})
	f.Fuzz(func(t *testing.T, plaintext []byte) {
		m, err := parse(plaintext)
		if err != nil {
			checkKnownError(t, err)
			return
		}
		if again := frame(version, m.kind(), m.append(nil), len(plaintext)); !bytes.Equal(again, plaintext) {
			t.Errorf("%x was accepted and encodes as %x", plaintext, again)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, c := range messages {
		f.Add(c.message.kind(), c.message.append(nil))
	}
	for _, c := range linked(MaxLinks) {
		f.Add(c.kind, c.body)
	}
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		m, err := parseBody(kind, body)
		if err != nil {
			checkKnownError(t, err)
			return
		}
		if again := m.append(nil); m.kind() != kind || !bytes.Equal(again, body) {
			t.Errorf("type %d, %x was accepted and encodes as type %d, %x", kind, body, m.kind(), again)
		}
	})
}

func checkKnownError(t *testing.T, err error) {
	t.Helper()
	var foreign *VersionError
	if !errors.Is(err, ErrMalformed) && !errors.As(err, &foreign) {
		t.Errorf("error %v, want ErrMalformed or a *VersionError", err)
	}
}

func TestBehind(t *testing.T) {
	m := Time{Hello: testStart, Listener: testStart.Add(3 * time.Hour)}
	if got := m.Behind(); got != 3*time.Hour {
		t.Errorf("a hello 3 h behind is %v behind", got)
	}
}
