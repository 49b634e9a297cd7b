package handshake

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Root holds what is derived from a key alone, and the topic prefix. It never changes after NewRoot.
type Root struct {
	redacted
	prefix string
	prk    []byte
	inbox  *EnvelopeKey
}

// NewRoot derives the root of the key schedule (SPEC.md, "Key schedule"). Handshakes under different topic prefixes do not fit each
// other, so that a hello cannot be carried from one to the other.
func NewRoot(key [16]byte, prefix string) *Root {
	prk, err := hkdf.Extract(sha256.New, key[:], []byte(label))
	if err != nil {
		panic("BUG: handshake: HKDF-Extract refused a 16-byte key: " + err.Error())
	}
	r := &Root{prk: prk, prefix: prefix}
	r.inbox = newEnvelopeKey(r.derive("inbox", "", 32), typeCheck, typeAnswer, typeRefusal, typeTime, typePong, typeGone, typeNotMine)
	return r
}

// MaskKey returns the key under which records hide their connection ids.
func (r *Root) MaskKey() [16]byte { return [16]byte(r.derive("mask", "", 16)) }

// InboxKey is for what is sent to inboxes.
func (r *Root) InboxKey() *EnvelopeKey { return r.inbox }

// Name derives what belongs to one listener name, which must be in its canonical, lower-case form.
func (r *Root) Name(name string) *Name {
	n := &Name{
		Rendezvous: [16]byte(r.derive("rendezvous", name, 16)),
		psk:        r.derive("psk", name, 32),
		hello:      newEnvelopeKey(r.derive("hello", name, 32), typeHello, typeProbe, typeCheck),
	}
	n.prologue = append([]byte(label+"\x00"+name+"\x00"+r.prefix), n.Rendezvous[:]...)
	return n
}

// derive is HKDF-Expand with the purpose and the name as its info. No purpose contains a zero byte, so no two
// pairs have the same info.
func (r *Root) derive(purpose, name string, size int) []byte {
	return expand(r.prk, purpose+"\x00"+name, size)
}

// Name holds what is derived from a key and a listener's name. It never changes after it is made.
type Name struct {
	redacted
	Rendezvous [16]byte // where the listener hears hellos; see Topic
	psk        []byte
	prologue   []byte // binds the handshake to label, name and rendezvous topic
	hello      *EnvelopeKey
}

// HelloKey is for what is sent to the rendezvous topic.
func (n *Name) HelloKey() *EnvelopeKey { return n.hello }

// expand is HKDF-Expand with SHA-256 (RFC 5869, section 2.3).
func expand(secret []byte, info string, size int) []byte {
	out, err := hkdf.Expand(sha256.New, secret, info, size)
	if err != nil {
		panic("BUG: handshake: HKDF-Expand refused a constant size: " + err.Error())
	}
	return out
}

// redacted is embedded in every type that holds a secret: no verb of fmt, no slog handler and no encoding prints
// what stands beside it.
type redacted struct{}

// Format implements [fmt.Formatter] for every verb.
func (redacted) Format(state fmt.State, _ rune) {
	io.WriteString(state, "(secret)")
}

// MarshalText implements [encoding.TextMarshaler], which encoding/json and log/slog ask first. It always fails.
func (redacted) MarshalText() ([]byte, error) {
	return nil, errors.New("handshake: secrets are not marshalled; leave them out of logs and files")
}
