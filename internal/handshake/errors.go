package handshake

import (
	"errors"
	"fmt"
)

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
