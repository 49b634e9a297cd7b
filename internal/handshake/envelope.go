package handshake

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"io"
)

// An envelope is salt (16) | ciphertext | tag (16), under a one-time key made of the envelope key and the salt.
// The format is frozen for all versions of the protocol (SPEC.md, "Envelope").
const (
	// MinEnvelope and MaxEnvelope bound an envelope's length, in bytes. Within them the length is drawn at random:
	// it says nothing about the content, and hellos have no size in common by which a broker could pick them out.
	MinEnvelope = 192
	MaxEnvelope = 320

	saltSize     = 16
	tagSize      = 16
	keySize      = 16 // AES-128
	nonceSize    = 12
	maxPlaintext = MaxEnvelope - saltSize - tagSize
)

// EnvelopeKey seals and opens the messages of one kind of topic. It never changes after it is made.
type EnvelopeKey struct {
	redacted
	key   []byte
	types uint16 // bit set of the message types that belong on this kind of topic
}

func newEnvelopeKey(key []byte, types ...byte) *EnvelopeKey {
	k := &EnvelopeKey{key: key}
	for _, t := range types {
		k.types |= 1 << t
	}
	return k
}

// Seal returns a new envelope around m, different at each call. It fails only if the source of randomness does; a
// message that does not belong on this kind of topic is a bug.
func (k *EnvelopeKey) Seal(rand io.Reader, m Message) ([]byte, error) {
	if k.types&(1<<m.kind()) == 0 {
		panic(fmt.Sprintf("BUG: handshake: %T does not belong on this kind of topic", m))
	}
	body := m.append(make([]byte, 0, maxBody))
	var random [4 + saltSize]byte
	if _, err := io.ReadFull(rand, random[:]); err != nil {
		return nil, fmt.Errorf("handshake: read randomness for an envelope: %w", err)
	}
	packet := make([]byte, drawLength(binary.BigEndian.Uint32(random[:]), len(body)))
	copy(packet, random[4:])
	plaintext := packet[saltSize : len(packet)-tagSize]
	putFrame(plaintext, m.kind(), body)
	aead, nonce := k.oneTime(packet[:saltSize])
	aead.Seal(plaintext[:0], nonce, plaintext, nil)
	return packet, nil
}

// drawLength picks a length uniformly between what the body needs and MaxEnvelope. The modulo's bias is below
// 2^-24.
func drawLength(random uint32, body int) int {
	shortest := max(MinEnvelope, saltSize+frameHeader+body+tagSize)
	return shortest + int(random%uint32(MaxEnvelope-shortest+1))
}

// Open authenticates an envelope and returns its message, which keeps nothing of packet. The work for a packet
// from somebody without the key is one HKDF block and one AES-GCM check over at most MaxEnvelope bytes, with some
// 2 KiB of memory that is garbage at once, and none at all if the length is wrong.
//
// The error is ErrLength, ErrForged, or, from somebody who holds the key, ErrMalformed or a *VersionError.
func (k *EnvelopeKey) Open(packet []byte) (Message, error) {
	if len(packet) < MinEnvelope || len(packet) > MaxEnvelope {
		return nil, ErrLength
	}
	aead, nonce := k.oneTime(packet[:saltSize])
	plaintext, err := aead.Open(nil, nonce, packet[saltSize:], nil)
	if err != nil {
		return nil, ErrForged
	}
	m, err := parse(plaintext)
	if err != nil {
		return nil, err
	}
	if k.types&(1<<m.kind()) == 0 {
		return nil, fmt.Errorf("%w: %T on a topic where it does not belong", ErrMalformed, m)
	}
	return m, nil
}

// oneTime returns the cipher and the nonce that only the envelope with this salt uses.
func (k *EnvelopeKey) oneTime(salt []byte) (cipher.AEAD, []byte) {
	secret := expand(k.key, "envelope"+string(salt), keySize+nonceSize)
	block, err := aes.NewCipher(secret[:keySize])
	if err != nil {
		panic("BUG: handshake: AES refused a 16-byte key: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("BUG: handshake: GCM refused AES: " + err.Error())
	}
	return aead, secret[keySize:]
}
