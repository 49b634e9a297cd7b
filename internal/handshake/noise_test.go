package handshake

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"
)

func TestHandshakeAgrees(t *testing.T) {
	x := runHandshake(t, NewRoot(testKey, ""), "thermostat", seeded(20))
	if x.dialer != x.listener {
		t.Error("the two ends have different secrets")
	}
	if x.dialer.ToListener == x.dialer.ToDialer || x.dialer.ToListener == ([32]byte{}) {
		t.Error("the two directions share a secret, or there is none")
	}
	if !reflect.DeepEqual(x.offer, testOffer) {
		t.Errorf("offer arrived as %+v", x.offer)
	}
	if x.reply != testReply {
		t.Errorf("reply arrived as %+v", x.reply)
	}
}

// begun is a handshake whose hello is on its way.
func begun(t *testing.T, n *Name, seed byte) (*Initiator, Hello) {
	t.Helper()
	initiator, hello, err := n.Initiate(seeded(seed), testOffer)
	if err != nil {
		t.Fatal(err)
	}
	return initiator, hello
}

func answerTo(t *testing.T, n *Name, hello Hello, seed byte) Answer {
	t.Helper()
	responder, _, err := n.Respond(hello)
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := responder.Finish(seeded(seed), testReply)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// An insider, who can seal envelopes, cannot alter a bit of somebody else's hello or answer: not the header, not
// the clear fields, not Noise, not the padding. The link alone is free, within its bounds, and changes nothing else.
func TestInsiderCannotAlterAHello(t *testing.T) {
	n := NewRoot(testKey, "").Name("thermostat")
	_, hello := begun(t, n, 21)
	hello.Link = 5
	links := 0
	plaintext := plaintextOf(t, n.HelloKey(), mustSeal(t, n.HelloKey(), seeded(22), hello))
	for bit := range len(plaintext) * 8 {
		altered := bytes.Clone(plaintext)
		altered[bit/8] ^= 1 << (bit % 8)
		m, err := n.HelloKey().Open(sealPlaintext(n.HelloKey(), [16]byte{1}, altered))
		if err != nil {
			continue
		}
		got := m.(Hello)
		if _, _, err := n.Respond(got); err != nil {
			continue
		}
		if links++; bit/8 != frameHeader+linkAt(hello) || got.Link == hello.Link || got.Digest() != hello.Digest() {
			t.Fatalf("hello accepted with byte %d, bit %d flipped", bit/8, bit%8)
		}
	}
	if links != 3 {
		t.Errorf("%d of the bits of the link are free, want those of a number below %d", links, MaxLinks)
	}
}

func TestInsiderCannotAlterAnAnswer(t *testing.T) {
	root := NewRoot(testKey, "")
	n := root.Name("thermostat")
	initiator, hello := begun(t, n, 23)
	answer := answerTo(t, n, hello, 24)
	answer.Link = 1
	plaintext := plaintextOf(t, testInbox.Key(), mustSeal(t, testInbox.Key(), seeded(25), answer))
	for bit := range len(plaintext) * 8 {
		altered := bytes.Clone(plaintext)
		altered[bit/8] ^= 1 << (bit % 8)
		m, err := testInbox.Key().Open(sealPlaintext(testInbox.Key(), [16]byte{1}, altered))
		if err != nil || bit/8 == frameHeader+linkAt(answer) {
			continue
		}
		if _, _, err := initiator.Finish(m.(Answer)); err == nil {
			t.Fatalf("answer accepted with byte %d, bit %d flipped", bit/8, bit%8)
		}
	}
	if _, _, err := initiator.Finish(answer); err != nil {
		t.Errorf("the true answer after all the altered ones: %v", err)
	}
}

func TestHelloCannotMove(t *testing.T) {
	other := testKey
	other[0] ^= 1
	_, hello := begun(t, NewRoot(testKey, "").Name("a"), 26)
	for what, n := range map[string]*Name{
		"another name": NewRoot(testKey, "").Name("b"),
		"no name":      NewRoot(testKey, "").Name(""),
		"a prefix":     NewRoot(testKey, "a/").Name("a"),
		"another key":  NewRoot(other, "").Name("a"),
	} {
		// Sealed anew under the other name's envelope key, as an insider would.
		m := mustOpen(t, n.HelloKey(), mustSeal(t, n.HelloKey(), seeded(27), hello))
		if _, _, err := n.Respond(m.(Hello)); !errors.Is(err, ErrForged) {
			t.Errorf("hello moved to %s: error %v, want ErrForged", what, err)
		}
	}
}

func TestReflectionIsRefused(t *testing.T) {
	root := NewRoot(testKey, "")
	n := root.Name("thermostat")
	initiator, hello := begun(t, n, 28)
	answer := answerTo(t, n, hello, 29)

	if _, err := testInbox.Key().Open(mustSeal(t, n.HelloKey(), seeded(30), hello)); !errors.Is(err, ErrForged) {
		t.Errorf("hello sent to an inbox: error %v, want ErrForged", err)
	}
	if _, err := n.HelloKey().Open(mustSeal(t, testInbox.Key(), seeded(30), answer)); !errors.Is(err, ErrForged) {
		t.Errorf("answer sent to a rendezvous: error %v, want ErrForged", err)
	}
	if _, _, err := initiator.Finish(Answer{ID: hello.ID, Noise: hello.Noise}); !errors.Is(err, ErrForged) {
		t.Errorf("hello as its own answer: error %v, want ErrForged", err)
	}
	reflected := Hello{Time: hello.Time, ID: hello.ID, Inbox: hello.Inbox, Noise: answer.Noise}
	if _, _, err := n.Respond(reflected); !errors.Is(err, ErrForged) {
		t.Errorf("answer as a hello: error %v, want ErrForged", err)
	}
}

func TestAnswerFitsOneHelloOnly(t *testing.T) {
	n := NewRoot(testKey, "").Name("thermostat")
	first, hello := begun(t, n, 31)
	second, _ := begun(t, n, 32)
	answer := answerTo(t, n, hello, 33)
	if _, _, err := second.Finish(answer); !errors.Is(err, ErrForged) {
		t.Errorf("answer to another hello: error %v, want ErrForged", err)
	}
	wrongID := answer
	wrongID.ID[0] ^= 1
	if _, _, err := first.Finish(wrongID); !errors.Is(err, ErrNotOffered) {
		t.Errorf("answer to another id: error %v, want ErrNotOffered", err)
	}
	if _, _, err := first.Finish(answer); err != nil {
		t.Error(err)
	}
}

// A public key of low order would make the shared secret a constant. The library leaves a failed attempt half done
// there.
func TestLowOrderPointsAreRefused(t *testing.T) {
	n := NewRoot(testKey, "").Name("thermostat")
	initiator, hello := begun(t, n, 34)
	for _, point := range [][]byte{make([]byte, 32), append([]byte{1}, make([]byte, 31)...)} {
		bad := Answer{ID: hello.ID, Noise: append(bytes.Clone(point), make([]byte, 60)...)}
		if _, _, err := initiator.Finish(bad); !errors.Is(err, ErrForged) {
			t.Errorf("answer with point %x: error %v, want ErrForged", point, err)
		}
	}
	if _, _, err := initiator.Finish(answerTo(t, n, hello, 35)); err != nil {
		t.Errorf("the true answer after those: %v", err)
	}

	responder, _, err := n.Respond(lowOrderHello(t, n))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := responder.Finish(seeded(36), testReply); !errors.Is(err, ErrMalformed) {
		t.Errorf("hello with a point of low order: error %v, want ErrMalformed", err)
	}
}

// lowOrderHello is what an insider sends whose ephemeral public key is zero. It follows SPEC.md by itself, as the
// library would not do it.
func lowOrderHello(t *testing.T, n *Name) Hello {
	t.Helper()
	payload, err := testOffer.encode()
	if err != nil {
		t.Fatal(err)
	}
	var s plainNoise
	s.begin(n.psk, testOffer.clear().appendClear(slices.Clip(n.prologue)))
	public := make([]byte, 32)
	s.mixHash(public)
	s.mixKey(public)
	return Hello{Time: testOffer.Time, ID: testOffer.ID, Inbox: testOffer.Inbox, Noise: append(public, s.seal(payload)...)}
}

func TestFinishIsSingleUse(t *testing.T) {
	n := NewRoot(testKey, "").Name("thermostat")
	initiator, hello := begun(t, n, 37)
	responder, _, err := n.Respond(hello)
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := responder.Finish(seeded(38), testReply)
	if err != nil {
		t.Fatal(err)
	}
	mustPanic(t, "Responder.Finish again", func() { responder.Finish(seeded(39), testReply) })
	if _, _, err := initiator.Finish(answer); err != nil {
		t.Fatal(err)
	}
	mustPanic(t, "Initiator.Finish again", func() { initiator.Finish(answer) })
}

func TestHandshakeReportsItsSourceOfRandomness(t *testing.T) {
	broken := errors.New("broken")
	n := NewRoot(testKey, "").Name("thermostat")
	if _, _, err := n.Initiate(iotest.ErrReader(broken), testOffer); !errors.Is(err, broken) {
		t.Errorf("Initiate: error %v, want one that wraps that of the source", err)
	}
	_, hello := begun(t, n, 40)
	responder, _, err := n.Respond(hello)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := responder.Finish(iotest.ErrReader(broken), testReply); !errors.Is(err, broken) {
		t.Errorf("Finish: error %v, want one that wraps that of the source", err)
	}
	if _, _, err := responder.Finish(seeded(41), testReply); err != nil {
		t.Errorf("Finish after the source recovered: %v", err)
	}
}
