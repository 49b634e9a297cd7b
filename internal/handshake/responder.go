package handshake

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/flynn/noise"
)

// Responder is the listener's half of one handshake, between a hello and its answer. Owned by whoever called
// Respond.
type Responder struct {
	redacted
	offer  Offer
	state  *noise.HandshakeState // nil once the handshake is finished
	random *bytes.Reader         // what state reads its ephemeral key from; empty until Finish fills it
}

// Respond reads a hello, which must have passed the check of its time and the replay cache. The error is
// ErrForged, ErrMalformed (also if the clear fields differ from those inside) or ErrPinned.
func (n *Name) Respond(hello Hello) (*Responder, Offer, error) {
	random := new(bytes.Reader)
	state := n.state(false, random)
	payload, _, _, err := state.ReadMessage(nil, hello.Noise) // -> psk, e
	if err != nil {
		return nil, Offer{}, ErrForged
	}
	offer, err := decodeOffer(payload)
	if err != nil {
		return nil, Offer{}, err
	}
	if offer.ID != hello.ID || offer.Inbox != hello.Inbox || !offer.Time.Equal(hello.Time) {
		return nil, Offer{}, fmt.Errorf("%w: the clear fields of a hello differ from those inside", ErrMalformed)
	}
	return &Responder{offer: offer, state: state, random: random}, offer, nil
}

// Finish makes the answer, which may be sealed and sent any number of times. All public-key work of the listener
// is done here. The error is ErrMalformed, for a hello whose public key is of low order, or that of rand. Calling
// Finish again is a bug, and so is a protocol that was not offered.
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
