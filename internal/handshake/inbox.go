package handshake

import (
	"crypto/sha256"
	"fmt"
	"io"
)

// An Inbox is where a process is sent to: the ID tells the process from others, and of the secret come the
// topics of its links and the keys for what is sent there. Both are drawn when the process starts, and told
// inside what is sealed already, so that one inbox serves any number of keys.
type Inbox struct {
	redacted
	ID     [16]byte
	Secret [16]byte
}

// NewInbox draws an Inbox. The error is that of rand.
func NewInbox(rand io.Reader) (Inbox, error) {
	var b [2 * inboxSize]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return Inbox{}, fmt.Errorf("handshake: read randomness for an inbox: %w", err)
	}
	return Inbox{ID: [16]byte(b[:inboxSize]), Secret: [16]byte(b[inboxSize:])}, nil
}

// Topic returns the MQTT topic under which a link of the process hears what is sent to the inbox: with one for each
// link, what is sent to one arrives once, also where two links lead into one cluster. A link that is not below MaxLinks is
// a bug.
func (i Inbox) Topic(prefix string, link uint8) string {
	mustBeLink(link)
	return Topic(prefix, [16]byte(i.derive("topic\x00"+string([]byte{link}), 16)))
}

// Key is for messages to the inbox.
func (i Inbox) Key() *EnvelopeKey {
	return newEnvelopeKey(i.derive("envelope", 32), typeCheck, typeAnswer, typeRefusal, typeTime, typePong, typeGone, typeNotMine)
}

// MaskKey is the key under which records to the inbox hide their connection ids.
func (i Inbox) MaskKey() [16]byte { return [16]byte(i.derive("mask", 16)) }

func (i Inbox) derive(info string, size int) []byte {
	return expand(extract(label+" inbox", i.Secret[:]), info, size)
}

func (i Inbox) append(body []byte) []byte {
	body = append(body, i.ID[:]...)
	return append(body, i.Secret[:]...)
}

// A TokenSecret makes the tokens by which a process shows that it was asked for a connection of
// its own, also when it has forgotten that (as RFC 9000, section 10.3.2). It is drawn when the
// process starts.
type TokenSecret struct {
	redacted
	secret [32]byte
}

// NewTokenSecret draws one. The error is that of rand.
func NewTokenSecret(rand io.Reader) (TokenSecret, error) {
	var t TokenSecret
	if _, err := io.ReadFull(rand, t.secret[:]); err != nil {
		return TokenSecret{}, fmt.Errorf("handshake: read randomness for tokens: %w", err)
	}
	return t, nil
}

// Token is that of the connection with an id of the process's choice. It is told only when the connection is
// forgotten.
func (t TokenSecret) Token(id [8]byte) [16]byte {
	return [16]byte(expand(extract(label+" token", t.secret[:]), string(id[:]), 16))
}

// TokenHash is by which the peer knows a token before. The peer alone would not do: what a hello says, every holder
// of the key can read.
func TokenHash(token [16]byte) [16]byte {
	sum := sha256.Sum256(token[:])
	return [16]byte(sum[:])
}
