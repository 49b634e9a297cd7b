package handshake

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/flynn/noise"
)

// Initiator is the dialer's half of one handshake, between its hello and the answer. Owned by whoever called
// Initiate.
type Initiator struct {
	redacted
	name      *Name
	offer     Offer
	payload   []byte
	ephemeral []byte // private key; nil once the handshake is finished
}

// Initiate begins a handshake. The hello may be sealed and sent any number of times. The error is ErrProtocols, or
// that of rand.
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
	return i, Hello{Time: offer.Time, ID: offer.ID, Inbox: offer.Inbox, Noise: message}, nil
}

// begin returns the state after Noise message 1 (-> psk, e), and that message; both are the same at every call.
func (i *Initiator) begin() (*noise.HandshakeState, []byte) {
	state := i.name.state(true, bytes.NewReader(i.ephemeral))
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
	if !slices.Contains(plainIfEmpty(i.offer.Protocols), reply.Protocol) {
		return Reply{}, Secrets{}, fmt.Errorf("%w: it chose protocol %q", ErrNotOffered, reply.Protocol)
	}
	i.ephemeral = nil
	return reply, newSecrets(state, toListener, toDialer), nil
}
