// Package handshake turns the secret that both ends share into fresh session keys.
//
// A dialer says hello to a listener's rendezvous topic and gets an answer at its own inbox:
//
//	dialer                                                        listener
//	  Hello   time, id, inbox, Noise message 1 (psk, e)   ------->
//	          <-------   Answer   id, Noise message 2 (e, ee)
//
// Noise is Noise_NNpsk0_25519_AESGCM_SHA256. Each message travels in an envelope, whose bytes look random to
// whoever lacks the [EnvelopeKey]. Around the handshake stand small authenticated messages: a refusal, a correction of the
// clock, a probe, and the question whether a connection still exists.
//
// Everything here is pure: no I/O, no goroutine and no clock; the time and the source of randomness are
// parameters. Values are not safe for concurrent use, except [Root], [Name] and [EnvelopeKey], which never change
// after they are made.
//
// The bytes are specified in SPEC.md, section "Handshake".
package handshake

import (
	"encoding/base64"
)

const (
	// label is the protocol's name. It separates our keys from whatever else is derived from the same secret
	// (SPEC.md, "Key schedule").
	label = "mqtt-e2e/1"

	// version is the only protocol version that this package speaks.
	version = 1

	idSize    = 8  // bytes of a connection id or of a nonce
	inboxSize = 16 // bytes of an inbox or of a rendezvous
	timeSize  = 8  // bytes of a time: nanoseconds since 1970 UTC, as a signed integer

	// MinMessageSize and MaxMessageSize bound the MQTT payloads that the two ends may agree on, in bytes. Below
	// the first there is no room for acknowledgements beside data; above the second the limits of AES-GCM come
	// near.
	MinMessageSize = 512
	MaxMessageSize = 1 << 20
)

// Topic returns the MQTT topic of an inbox or of a rendezvous: the prefix, verbatim, and then the 16 bytes in
// unpadded base64url.
func Topic(prefix string, address [16]byte) string {
	return prefix + base64.RawURLEncoding.EncodeToString(address[:])
}
