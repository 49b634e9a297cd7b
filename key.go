package mqtte2e

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// KeySize is the length of a Key, bytes: that of an AES-128 key.
const KeySize = 16

// A Key is the secret that both ends share. Whoever has it can talk to, and
// answer as, every name under it, so give each device a key of its own.
//
// A Key prints as a short fingerprint with every verb of package fmt and in
// log/slog, and refuses to be marshalled, as text or as bytes; Hex is the only
// way to get its text. Only reflection passes by this, as that of
// encoding/binary: package fmt cannot call methods on what stands in an
// unexported field, so do not print structs of your own that hold a Key (and
// not a pointer to one) in such a field.
type Key [KeySize]byte

// NewKey returns a random Key.
func NewKey() Key {
	var k Key
	rand.Read(k[:]) // never fails: it ends the program instead
	return k
}

// ParseKey reads a Key from 32 hexadecimal digits or from base64, standard or
// URL, padded or not. It ignores space and a byte order mark around them. The
// error never repeats the text.
func ParseKey(text string) (Key, error) {
	text = strings.Trim(text, " \t\r\n\v\f\ufeff")
	var raw []byte
	var err error
	switch len(text) {
	case 0:
		return Key{}, errors.New("mqtte2e: the key is empty; make one with NewKey, or with: mqtt-e2e keygen")
	case hex.EncodedLen(KeySize):
		raw, err = hex.DecodeString(text)
	case base64.StdEncoding.EncodedLen(KeySize), base64.RawStdEncoding.EncodedLen(KeySize):
		raw, err = decodeBase64(text)
	default:
		return Key{}, fmt.Errorf("mqtte2e: a key is 32 hexadecimal digits, or 22 or 24 characters of base64; this text has %d bytes", len(text))
	}
	// The cause is left out because it quotes a character of the key.
	if err != nil || len(raw) != KeySize {
		return Key{}, errors.New("mqtte2e: the key has a character that hexadecimal (32 characters) or base64 (22 or 24 characters) does not; was something else copied with it?")
	}
	return Key(raw), nil
}

// decodeBase64 accepts both alphabets. It is strict, so that one key has one
// text in each spelling.
func decodeBase64(text string) ([]byte, error) {
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	if len(text) > encoding.EncodedLen(KeySize) {
		encoding = encoding.WithPadding(base64.StdPadding)
	}
	return encoding.Strict().DecodeString(text)
}

// Hex returns the key as 32 hexadecimal digits, for storing it.
func (k Key) Hex() string { return hex.EncodeToString(k[:]) }

// UnmarshalText reads what ParseKey reads.
func (k *Key) UnmarshalText(text []byte) error {
	parsed, err := ParseKey(string(text))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

var errMarshal = errors.New("mqtte2e: a key is not marshalled, lest it be printed by mistake; store Key.Hex() instead")

// MarshalText always fails, so that encoding/json and others do not write a
// key where nobody means to. To store a key, use Hex.
func (k Key) MarshalText() ([]byte, error) { return nil, errMarshal }

// MarshalBinary always fails, for encoding/gob and others.
func (k Key) MarshalBinary() ([]byte, error) { return nil, errMarshal }

// String returns a fingerprint: a few bytes of a hash, enough to see whether
// two ends have the same key, and no help in finding it.
func (k Key) String() string {
	hash := sha256.New()
	io.WriteString(hash, "mqtt-e2e/1 key fingerprint\x00")
	hash.Write(k[:])
	return "key:" + hex.EncodeToString(hash.Sum(nil)[:4])
}

// GoString returns the fingerprint.
func (k Key) GoString() string { return k.String() }

// Format implements fmt.Formatter: every verb prints the fingerprint.
func (k Key) Format(state fmt.State, verb rune) { io.WriteString(state, k.String()) }

// LogValue implements slog.LogValuer with the fingerprint.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
