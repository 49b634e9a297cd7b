package message

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"strings"

	"github.com/mqtt-e2e/mqtte2e"
)

// baseTopicLength is the length of a base topic in characters. They hold 72 bits: among a million keys, two share a base topic with a
// chance of one in ten thousand million (message/SPEC.md, "Topics of a key").
const baseTopicLength = 12

// Topic returns the MQTT topic for suffix under key: the key's base topic, a slash, and suffix as it is. Whoever knows the topic
// learns nothing of the key. A suffix with wildcards gives a filter to subscribe to.
func Topic(key mqtte2e.Key, suffix string) string {
	return baseTopic(key) + "/" + suffix
}

// baseTopic encrypts a fixed text under a fixed nonce. The nonce is one that a packet could carry only in the year 2116, so it does
// not repeat one of a packet.
func baseTopic(key mqtte2e.Key) string {
	aead := newAEAD(key)
	sealed := aead.Seal(nil, bytes.Repeat([]byte{'@'}, aead.NonceSize()), bytes.Repeat([]byte{'#'}, 16), nil)
	text := base64.StdEncoding.EncodeToString(sealed)[:baseTopicLength]
	return strings.NewReplacer("+", "a", "/", "b").Replace(text)
}

func newAEAD(key mqtte2e.Key) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("BUG: AES refuses a key of 16 bytes: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("BUG: GCM refuses AES: " + err.Error())
	}
	return aead
}
