package handshake

import (
	"fmt"
	"io"

	"github.com/flynn/noise"
)

var suite = noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256)

// Secrets are what both ends know after a handshake and nobody else. Hand them on at once and keep no copy: package
// fmt does not ask a value that stands in an unexported field how it wants to be printed.
type Secrets struct {
	redacted
	ToListener [32]byte // first traffic secret from dialer to listener
	ToDialer   [32]byte // first traffic secret from listener to dialer
	LogID      [4]byte  // the same at both ends, not secret: names the connection in logs and addresses
}

// state begins a Noise_NNpsk0_25519_AESGCM_SHA256 handshake (the Noise Protocol Framework, revision 34, section
// 9).
func (n *Name) state(initiator bool, random io.Reader) *noise.HandshakeState {
	state, err := noise.NewHandshakeState(noise.Config{
		CipherSuite:           suite,
		Random:                random,
		Pattern:               noise.HandshakeNN,
		Initiator:             initiator,
		Prologue:              n.prologue,
		PresharedKey:          n.psk,
		PresharedKeyPlacement: 0,
	})
	if err != nil {
		panic("BUG: handshake: Noise refused a constant configuration: " + err.Error())
	}
	return state
}

// newEphemeral reads a private key, which the library would read in the same way, so that a failure of rand is not
// taken for one of the peer.
func newEphemeral(rand io.Reader) ([]byte, error) {
	key := make([]byte, suite.DHLen())
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, fmt.Errorf("handshake: read randomness for an ephemeral key: %w", err)
	}
	return key, nil
}

// newSecrets takes the traffic secrets out of a finished handshake. The first cipher state of a split is the
// initiator's for sending, on both sides.
func newSecrets(state *noise.HandshakeState, toListener, toDialer *noise.CipherState) Secrets {
	return Secrets{
		ToListener: toListener.UnsafeKey(),
		ToDialer:   toDialer.UnsafeKey(),
		LogID:      [4]byte(expand(state.ChannelBinding(), "id", 4)),
	}
}
