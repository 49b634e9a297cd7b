// Package handshake turns the secret that both ends share into fresh session keys.
//
// A dialer says hello to a listener's rendezvous topic and gets an answer at its own inbox:
//
//	dialer                                                        listener
//	  Hello   time, id, inbox, link, Noise message 1 (psk, e)   ------->
//	          <-------   Answer   id, link, Noise message 2 (e, ee)
//
// Noise is Noise_NNpsk0_25519_AESGCM_SHA256. Each message travels in an envelope, whose bytes look random to
// whoever lacks the [EnvelopeKey]. Around the handshake stand small authenticated messages: a refusal, a correction of the
// clock, a probe, and the question whether a connection still exists.
//
// Everything here is pure: no I/O, no goroutine and no clock; the time and the source of randomness are
// parameters. Values are not safe for concurrent use, except [Root], [Name], [EnvelopeKey] and
// [TokenSecret], which never change after they are made.
//
// The bytes are specified in SPEC.md, "Handshake".
package handshake

import (
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	// label is the protocol's name. It separates our keys from whatever else is derived from the same secret
	// (SPEC.md, "Key schedule").
	label = "mqtt-e2e/1"

	// version is the only protocol version that this package speaks.
	version = 1

	idSize    = 8  // bytes of a connection id or of a nonce
	inboxSize = 16 // bytes by which an inbox is known, and of its secret
	timeSize  = 8  // bytes of a time: nanoseconds since 1970 UTC, as a signed integer

	// MaxLinks bounds the links of a process, each of which is to one broker of its address and has an inbox topic of
	// its own. They are numbered from 0. Few addresses name more than three brokers.
	MaxLinks = 8

	// MinMessageSize and MaxMessageSize bound the MQTT payloads that the two ends may agree on, in bytes. Below
	// the first an envelope hardly fits, nor acknowledgements beside data; above the second one AES-GCM key would
	// seal more than it should.
	MinMessageSize = 512
	MaxMessageSize = 1 << 20
)

// Topic returns the MQTT topic of a rendezvous: the prefix, verbatim, and then the 16 bytes in unpadded base64url.
// Those of an inbox come from [Inbox.Topic].
func Topic(prefix string, address [16]byte) string {
	return prefix + base64.RawURLEncoding.EncodeToString(address[:])
}

var (
	// ErrLength means that a packet is no envelope, by its length alone. Nothing was computed.
	ErrLength = errors.New("handshake: length is not that of an envelope; the packet is something else or was cut")

	// ErrForged means that an envelope or a Noise message does not authenticate: another key or name, or altered
	// bytes.
	ErrForged = errors.New("handshake: message does not authenticate; the key or the name differs, or the bytes were altered")

	// ErrMalformed means that the sender holds the key but breaks the format of SPEC.md.
	ErrMalformed = errors.New("handshake: authentic message with malformed content; the peer's implementation is at fault")

	// ErrPinned means that the dialer accepts only a listener that proves a pinned key, which version 1 cannot do.
	// It is to be answered with [RefusedPinned].
	ErrPinned = errors.New("handshake: the dialer asks for a pinned listener key, which this version does not support; update the listener")

	// ErrNotOffered means that an answer chose a protocol that the hello did not offer, or names another dialer's
	// id.
	ErrNotOffered = errors.New("handshake: the answer does not fit the hello; the peer's implementation is at fault")

	// ErrProtocols means that the names of the protocols to offer do not fit into a hello.
	ErrProtocols = fmt.Errorf("handshake: protocol names are too long together; each takes its length and one byte, and %d bytes is the limit", maxProtocols)
)

// VersionError reports an authentic envelope whose version or message type this package does not know.
type VersionError struct {
	Version byte
	Type    byte

	// Hello holds the fields with which a hello of every version begins, so that the dialer can be told; its Noise
	// is all that follows them. It is nil if the message is no hello.
	Hello *Hello
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("handshake: peer speaks protocol version %d (message type %d) and this side version %d; update the older of the two",
		e.Version, e.Type, version)
}
