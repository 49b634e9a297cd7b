package handshake

import (
	"bytes"
	"fmt"
	"io"
	"slices"

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
//
// The prologue ends with what the hello says in clear, so that nobody can change that, but for its link.
func (n *Name) state(initiator bool, clear Hello, random io.Reader) *noise.HandshakeState {
	state, err := noise.NewHandshakeState(noise.Config{
		CipherSuite:           suite,
		Random:                random,
		Pattern:               noise.HandshakeNN,
		Initiator:             initiator,
		Prologue:              clear.appendClear(slices.Clip(n.prologue)),
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

// Initiator is the dialer's half of one handshake, between its hello and the answer. Owned by whoever called
// Initiate.
type Initiator struct {
	redacted
	name      *Name
	offer     Offer
	payload   []byte
	ephemeral []byte // private key; nil once the handshake is finished
}

// Initiate begins a handshake. The hello may be sealed and sent any number of times, with any Link. The error is
// ErrProtocols, or that of rand.
func (n *Name) Initiate(rand io.Reader, offer Offer) (*Initiator, Hello, error) {
	payload, err := offer.encode()
	if err != nil {
		return nil, Hello{}, err
	}
	ephemeral, err := newEphemeral(rand)
	if err != nil {
		return nil, Hello{}, err
	}
	offer.Protocols = slices.Clone(offer.Protocols)
	i := &Initiator{name: n, offer: offer, payload: payload, ephemeral: ephemeral}
	_, message := i.begin()
	hello := offer.clear()
	hello.Noise = message
	return i, hello, nil
}

// begin returns the state after Noise message 1 (-> psk, e), and that message; both are the same at every call.
func (i *Initiator) begin() (*noise.HandshakeState, []byte) {
	state := i.name.state(true, i.offer.clear(), bytes.NewReader(i.ephemeral))
	message, _, _, err := state.WriteMessage(nil, i.payload)
	if err != nil {
		panic("BUG: handshake: Noise refused to write message 1: " + err.Error())
	}
	return state, message
}

// Finish takes the answer. If it is refused (ErrForged, ErrMalformed, ErrNotOffered) nothing has changed, and
// another may be tried: an answer to an earlier hello, or somebody's invention. After the one that succeeds the
// ephemeral key is forgotten, and calling Finish again is a bug.
func (i *Initiator) Finish(answer Answer) (Reply, Secrets, error) {
	if i.ephemeral == nil {
		panic("BUG: handshake: Initiator.Finish after it has succeeded")
	}
	if answer.ID != i.offer.ID {
		return Reply{}, Secrets{}, fmt.Errorf("%w: it is for another connection id", ErrNotOffered)
	}
	// The library does not roll back after every error, so each attempt gets a state of its own.
	state, _ := i.begin()
	payload, toListener, toDialer, err := state.ReadMessage(nil, answer.Noise) // <- e, ee
	if err != nil {
		return Reply{}, Secrets{}, ErrForged
	}
	reply, err := decodeReply(payload)
	if err != nil {
		return Reply{}, Secrets{}, err
	}
	if answer.Link >= reply.Links {
		return Reply{}, Secrets{}, fmt.Errorf("%w: it came by a link beyond those of the listener", ErrMalformed)
	}
	if !slices.Contains(plainIfEmpty(i.offer.Protocols), reply.Protocol) {
		return Reply{}, Secrets{}, fmt.Errorf("%w: it chose protocol %q", ErrNotOffered, reply.Protocol)
	}
	i.ephemeral = nil
	return reply, newSecrets(state, toListener, toDialer), nil
}

// Responder is the listener's half of one handshake, between a hello and its answer. Owned by whoever called
// Respond.
type Responder struct {
	redacted
	offer  Offer
	state  *noise.HandshakeState // nil once the handshake is finished
	random *bytes.Reader         // what state reads its ephemeral key from; empty until Finish fills it
}

// Respond reads a hello, which must have passed the check of its time and the replay cache. The error is
// ErrForged (also if the clear fields were changed), ErrMalformed or ErrPinned.
func (n *Name) Respond(hello Hello) (*Responder, Offer, error) {
	random := new(bytes.Reader)
	state := n.state(false, hello, random)
	payload, _, _, err := state.ReadMessage(nil, hello.Noise) // -> psk, e
	if err != nil {
		return nil, Offer{}, ErrForged
	}
	offer, err := decodeOffer(hello, payload)
	if err != nil {
		return nil, Offer{}, err
	}
	return &Responder{offer: offer, state: state, random: random}, offer, nil
}

// Finish makes the answer, which may be sealed and sent any number of times, with any Link. All public-key work of
// the listener is done here. The error is ErrMalformed, for a hello whose public key is of low order, or that of
// rand. Calling Finish again is a bug, and so is a protocol that was not offered.
func (r *Responder) Finish(rand io.Reader, reply Reply) (Answer, Secrets, error) {
	if r.state == nil {
		panic("BUG: handshake: Responder.Finish called twice")
	}
	if !slices.Contains(r.offer.Protocols, reply.Protocol) {
		panic(fmt.Sprintf("BUG: handshake: protocol %q was not offered", reply.Protocol))
	}
	ephemeral, err := newEphemeral(rand)
	if err != nil {
		return Answer{}, Secrets{}, err
	}
	state := r.state
	r.state = nil
	r.random.Reset(ephemeral)
	message, toListener, toDialer, err := state.WriteMessage(nil, reply.encode()) // <- e, ee
	if err != nil {
		return Answer{}, Secrets{}, fmt.Errorf("%w: the public key of a hello: %w", ErrMalformed, err)
	}
	return Answer{ID: r.offer.ID, Noise: message}, newSecrets(state, toListener, toDialer), nil
}
