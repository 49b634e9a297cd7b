package handshake

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	testKey   = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	testStart = time.Unix(1767323045, 6).UTC() // 2026-01-02 03:04:05 and six nanoseconds
	testInbox = Inbox{ID: [16]byte{0xd2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, Secret: [16]byte{0xd5, 1}}
	testOffer = Offer{
		ID:             [8]byte{0xd1, 1, 2, 3, 4, 5, 6, 7},
		Inbox:          testInbox,
		TokenHash:      [16]byte{0xd3, 1},
		Time:           testStart,
		MaxMessageSize: 61440,
		Links:          3,
		Protocols:      []string{"mqtt-e2e/1", "mux", ""},
	}
	testReply = Reply{
		ID:             [8]byte{0xa1, 1, 2, 3, 4, 5, 6, 7},
		Inbox:          Inbox{ID: [16]byte{0xa2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, Secret: [16]byte{0xa5, 1}},
		TokenHash:      [16]byte{0xa3, 1},
		MaxMessageSize: 1 << 20,
		Links:          2,
		Protocol:       "mux",
	}
)

// seeded returns a source of bytes that is the same in every run.
func seeded(seed byte) io.Reader {
	return rand.NewChaCha8([32]byte{seed})
}

func mustSeal(tb testing.TB, e *EnvelopeKey, random io.Reader, m Message) []byte {
	tb.Helper()
	packet, err := e.Seal(random, m)
	if err != nil {
		tb.Fatal(err)
	}
	return packet
}

func mustOpen(tb testing.TB, e *EnvelopeKey, packet []byte) Message {
	tb.Helper()
	m, err := e.Open(packet)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// sealPlaintext makes the envelope that an insider could make around any bytes.
func sealPlaintext(e *EnvelopeKey, salt [saltSize]byte, plaintext []byte) []byte {
	aead, nonce := e.oneTime(salt[:])
	return aead.Seal(bytes.Clone(salt[:]), nonce, plaintext, nil)
}

// plaintextOf opens an envelope without reading it.
func plaintextOf(tb testing.TB, e *EnvelopeKey, packet []byte) []byte {
	tb.Helper()
	aead, nonce := e.oneTime(packet[:saltSize])
	plaintext, err := aead.Open(nil, nonce, packet[saltSize:], nil)
	if err != nil {
		tb.Fatal(err)
	}
	return plaintext
}

// frame builds the plaintext of an envelope of the given length, which may break the format.
func frame(version, kind byte, body []byte, size int) []byte {
	plaintext := make([]byte, size)
	plaintext[0], plaintext[1] = version, kind
	binary.BigEndian.PutUint16(plaintext[2:], uint16(len(body)))
	copy(plaintext[frameHeader:], body)
	return plaintext
}

// exchange is one handshake, with the packets that crossed the broker.
type exchange struct {
	hello, answer    []byte
	offer            Offer
	reply            Reply
	dialer, listener Secrets
}

func runHandshake(tb testing.TB, root *Root, name string, random io.Reader) exchange {
	tb.Helper()
	var x exchange
	n := root.Name(name)
	initiator, hello, err := n.Initiate(random, testOffer)
	if err != nil {
		tb.Fatal(err)
	}
	hello.Link = 1
	x.hello = mustSeal(tb, n.HelloKey(), random, hello)
	responder, offer, err := n.Respond(mustOpen(tb, n.HelloKey(), x.hello).(Hello))
	if err != nil {
		tb.Fatal(err)
	}
	answer, secrets, err := responder.Finish(random, testReply)
	if err != nil {
		tb.Fatal(err)
	}
	x.offer, x.listener = offer, secrets
	x.answer = mustSeal(tb, testInbox.Key(), random, answer)
	x.reply, x.dialer, err = initiator.Finish(mustOpen(tb, testInbox.Key(), x.answer).(Answer))
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}
