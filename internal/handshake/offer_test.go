package handshake

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestOfferNeverOutgrowsAnEnvelope(t *testing.T) {
	n := NewRoot(testKey, "").Name(strings.Repeat("n", 63))
	for _, c := range []struct {
		protocols []string
		fits      bool
	}{
		{nil, true},
		{[]string{""}, true},
		{[]string{strings.Repeat("p", maxProtocols-1)}, true},
		{[]string{strings.Repeat("p", maxProtocols)}, false},
		{[]string{strings.Repeat("p", 300)}, false},
		{make([]string, maxProtocols), true},
		{make([]string, maxProtocols+1), false},
		{make([]string, 300), false},
	} {
		offer := testOffer
		offer.Protocols = c.protocols
		_, hello, err := n.Initiate(seeded(60), offer)
		if c.fits != (err == nil) || !c.fits && !errors.Is(err, ErrProtocols) {
			t.Errorf("%d protocols: error %v", len(c.protocols), err)
		}
		if err != nil {
			continue
		}
		if room := maxBody - len(hello.append(nil)); room < 32 {
			t.Errorf("%d protocols leave %d bytes, want 32 for a pinned key", len(c.protocols), room)
		}
		responder, got, err := n.Respond(mustOpen(t, n.HelloKey(), mustSeal(t, n.HelloKey(), seeded(61), hello)).(Hello))
		if err != nil || !slices.Equal(got.Protocols, plainIfEmpty(c.protocols)) {
			t.Fatalf("%d protocols arrived as %q, error %v", len(c.protocols), got.Protocols, err)
		}
		reply := testReply
		reply.Protocol = got.Protocols[0]
		answer, _, err := responder.Finish(seeded(64), reply)
		if err != nil {
			t.Fatal(err)
		}
		mustOpen(t, testInbox.Key(), mustSeal(t, testInbox.Key(), seeded(65), answer))
	}
}

func TestOfferRefusesWhatIsMalformed(t *testing.T) {
	good, err := testOffer.encode()
	if err != nil {
		t.Fatal(err)
	}
	const sizeAt, linksAt, pinnedAt, countAt = 16, 20, 21, 22
	change := func(at int, b ...byte) []byte {
		payload := bytes.Clone(good)
		copy(payload[at:], b)
		return payload
	}
	for what, payload := range map[string][]byte{
		"nothing":               {},
		"cut":                   good[:len(good)-1],
		"a byte more":           append(bytes.Clone(good), 0),
		"message size too low":  change(sizeAt, 0, 0, 1, 0xff),
		"message size too high": change(sizeAt, 0, 0x10, 0, 1),
		"no link":               change(linksAt, 0),
		"too many links":        change(linksAt, MaxLinks+1),
		"no protocol":           change(countAt, 0)[:countAt+1],
		"too many protocols":    change(countAt, 4),
		"too few protocols":     change(countAt, 2),
		"protocols too long":    append(change(countAt, 121)[:countAt+1], make([]byte, 121)...),
	} {
		if _, err := decodeOffer(Hello{}, payload); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", what, err)
		}
	}
	if _, err := decodeOffer(Hello{}, change(pinnedAt, 32)); !errors.Is(err, ErrPinned) {
		t.Errorf("pinned key: error %v, want ErrPinned", err)
	}
}

func TestReplyRefusesWhatIsMalformed(t *testing.T) {
	good := testReply.encode()
	const sizeAt, linksAt = 56, 60
	change := func(at int, b ...byte) []byte {
		payload := bytes.Clone(good)
		copy(payload[at:], b)
		return payload
	}
	for what, payload := range map[string][]byte{
		"nothing":               {},
		"cut":                   good[:len(good)-1],
		"a byte more":           append(bytes.Clone(good), 0),
		"message size too low":  change(sizeAt, 0, 0, 1, 0xff),
		"message size too high": change(sizeAt, 0, 0x10, 0, 1),
		"no link":               change(linksAt, 0),
		"too many links":        change(linksAt, MaxLinks+1),
	} {
		if _, err := decodeReply(payload); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", what, err)
		}
	}
}

// The other end's implementation may be wrong where ours panics.
func TestAnswerMustChooseWhatWasOffered(t *testing.T) {
	n := NewRoot(testKey, "").Name("thermostat")
	initiator, hello := begun(t, n, 62)
	responder, _, err := n.Respond(hello)
	if err != nil {
		t.Fatal(err)
	}
	reply := testReply
	reply.Protocol = "other"
	mustPanic(t, "a protocol that was not offered", func() { responder.Finish(seeded(63), reply) })
	responder.offer.Protocols = []string{"other"}
	answer, _, err := responder.Finish(seeded(63), reply)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := initiator.Finish(answer); !errors.Is(err, ErrNotOffered) {
		t.Errorf("error %v, want ErrNotOffered", err)
	}
}

func TestMessageSizesOutsideTheBoundsAreBugs(t *testing.T) {
	for _, size := range []int{-1, 0, MinMessageSize - 1, MaxMessageSize + 1} {
		mustPanic(t, "offer", func() { Offer{MaxMessageSize: size, Links: 1}.encode() })
		mustPanic(t, "reply", func() { Reply{MaxMessageSize: size, Links: 1}.encode() })
	}
}

func TestNumbersOfLinksOutsideTheBoundsAreBugs(t *testing.T) {
	for _, links := range []uint8{0, MaxLinks + 1, 255} {
		mustPanic(t, "offer", func() { Offer{MaxMessageSize: MinMessageSize, Links: links}.encode() })
		mustPanic(t, "reply", func() { Reply{MaxMessageSize: MinMessageSize, Links: links}.encode() })
	}
}

func TestSelect(t *testing.T) {
	list := func(s ...string) []string { return s }
	for _, c := range []struct {
		offered, supported []string
		protocol           string
		ok                 bool
	}{
		{nil, nil, "", true},
		{nil, list(""), "", true},
		{list(""), nil, "", true},
		{nil, list("mux"), "", false},
		{list("mux"), nil, "", false},
		{list("mqtt-e2e/1", "mux", ""), list("", "mux"), "mux", true},
		{list("a", "b"), list("b", "a"), "a", true},
		{list("a"), list("b"), "", false},
		{list("A"), list("a"), "", false},
	} {
		if protocol, ok := Select(c.offered, c.supported); protocol != c.protocol || ok != c.ok {
			t.Errorf("Select(%q, %q) = %q, %v, want %q, %v", c.offered, c.supported, protocol, ok, c.protocol, c.ok)
		}
	}
}

func FuzzOffer(f *testing.F) {
	for _, protocols := range [][]string{nil, {"mux"}, {"mqtt-e2e/1", "mux", ""}} {
		offer := testOffer
		offer.Protocols = protocols
		payload, err := offer.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		offer, err := decodeOffer(Hello{}, payload)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrPinned) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again, err := offer.encode(); err != nil || !bytes.Equal(again, payload) {
			t.Errorf("%x was accepted and encodes as %x, error %v", payload, again, err)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add(testReply.encode())
	f.Add(Reply{MaxMessageSize: MinMessageSize, Links: MaxLinks}.encode())
	f.Fuzz(func(t *testing.T, payload []byte) {
		reply, err := decodeReply(payload)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again := reply.encode(); !bytes.Equal(again, payload) {
			t.Errorf("%x was accepted and encodes as %x", payload, again)
		}
	})
}
