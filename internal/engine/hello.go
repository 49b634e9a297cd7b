package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
)

// handler handles what arrives on the rendezvous topic by a link.
func (r *rendezvous) handler(u *uplink) link.Handler {
	return func(_, payload []byte, now time.Time) { r.receive(u, payload, now) }
}

func (r *rendezvous) receive(u *uplink, payload []byte, now time.Time) {
	r.engine.handshaking.Lock()
	defer r.engine.handshaking.Unlock()
	m, err := r.name.HelloKey().Open(payload)
	var version *handshake.VersionError
	switch {
	case errors.As(err, &version) && version.Hello != nil:
		r.otherVersion(u, *version.Hello, now, err)
		return
	case err != nil:
		r.engine.rejected.Add(1)
		return
	}
	switch m := m.(type) {
	case handshake.Hello:
		r.hello(u, m, now)
	case handshake.Probe:
		r.probed(u, m, now)
	case handshake.Check:
		r.receiveCheck(u, m, now)
	default:
		r.engine.rejected.Add(1)
	}
}

// refuse tells a dialer why it gets no Conn.
func (r *rendezvous) refuse(u *uplink, hello handshake.Hello, now time.Time, code handshake.RefusalCode, reason string) {
	if r.rates.refusals.allow(now) {
		u.reply(hello.Inbox, hello.Link, handshake.NewRefusal(hello.ID, code, reason))
	}
}

// otherVersion refuses a hello that only a listener of another version
// understands, once.
func (r *rendezvous) otherVersion(u *uplink, m handshake.Hello, now time.Time, why error) {
	e := r.engine
	wall := e.config.wall()
	if handshake.InTime(m.Time, wall, e.config.TimeWindow) && e.replays.Add(m.Digest(), wall) {
		r.refuse(u, m, now, handshake.RefusedVersion, why.Error())
	}
}

// hello goes from the cheap checks to the costly ones (SPEC.md, "Answering a HELLO").
func (r *rendezvous) hello(u *uplink, m handshake.Hello, now time.Time) {
	e := r.engine
	wall := e.config.wall()
	if !handshake.InTime(m.Time, wall, e.config.TimeWindow) {
		if e.limits.time(u, m, r.rates.times, now) {
			u.reply(m.Inbox, m.Link, handshake.Time{ID: m.ID, Hello: m.Time, Listener: wall})
		}
		return
	}
	digest := m.Digest()
	if c, answer := r.pending(digest); c != nil {
		if c.repeats++; c.repeats <= maxRepeats*len(e.uplinks) {
			u.reply(m.Inbox, m.Link, over(answer, u))
		}
		return
	}
	if e.replays.Contains(digest, wall) {
		e.rejected.Add(1)
		return
	}
	if !r.room() {
		r.refuse(u, m, now, handshake.RefusedBusy, "too many connections wait to be accepted; try again later")
		return
	}
	r.respond(u, m, digest, now)
}

// respond does the public-key work and leaves a half-open Conn. A hello with a link that its dialer does not have was said again
// by somebody else, who may have been faster: it does not count as answered.
func (r *rendezvous) respond(u *uplink, m handshake.Hello, digest [32]byte, now time.Time) {
	e := r.engine
	responder, offer, err := r.name.Respond(m)
	if err == nil && m.Link >= offer.Links {
		e.rejected.Add(1)
		return
	}
	e.replays.Add(digest, e.config.wall())
	switch {
	case errors.Is(err, handshake.ErrPinned):
		r.refuse(u, m, now, handshake.RefusedPinned, err.Error())
		return
	case err != nil:
		e.rejected.Add(1)
		return
	}
	protocol, ok := handshake.Select(offer.Protocols, r.protocols)
	if !ok {
		reason := fmt.Sprintf("dialer offers %s, listener has %s", list(offer.Protocols), list(r.protocols))
		r.refuse(u, m, now, handshake.RefusedProtocol, reason)
		return
	}
	reply := handshake.Reply{ID: random8(), Inbox: e.inbox, MaxMessageSize: e.messageSize(), Links: uint8(len(e.uplinks)), Protocol: protocol}
	reply.TokenHash = handshake.TokenHash(e.tokens.Token(reply.ID))
	answer, secrets, err := responder.Finish(rand.Reader, reply)
	if err != nil {
		e.rejected.Add(1)
		return
	}
	r.admit(u, agreed{
		id: reply.ID,
		origin: origin{
			name: r.name.text, key: r.name.key, protocol: protocol, logID: secrets.LogID,
			peerID: offer.ID, peerInbox: offer.Inbox, tokenHash: offer.TokenHash,
			digest: digest, listener: r.Listener, answer: answer,
		},
		incoming: secrets.ToListener, outgoing: secrets.ToDialer, maxMessageSize: offer.MaxMessageSize,
		path: path.Of(u.number, m.Link), links: offer.Links,
	}, now)
}

// admit sends the answer and waits for the dialer's proof.
func (r *rendezvous) admit(u *uplink, a agreed, now time.Time) {
	c := r.engine.enter(a, now)
	switch {
	case c == nil:
	case !r.await(c):
		c.Refuse()
	default:
		c.Start(now)
		u.toInbox(a.origin.peerInbox, a.path.Peer(), over(a.origin.answer, u))
	}
}

// over is an answer as it goes out over a link.
func over(answer handshake.Answer, u *uplink) handshake.Answer {
	answer.Link = u.number
	return answer
}

// list writes protocols for people.
func list(protocols []string) string {
	if len(protocols) == 0 {
		protocols = []string{""}
	}
	quoted := make([]string, len(protocols))
	for i, p := range protocols {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	return strings.Join(quoted, " ")
}
