package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
)

// receive handles what arrives on the rendezvous topic.
func (l *Listener) receive(_, payload []byte, now time.Time) {
	m, err := l.keys.HelloKey().Open(payload)
	var version *handshake.VersionError
	switch {
	case errors.As(err, &version) && version.Hello != nil:
		l.otherVersion(*version.Hello, now, err)
		return
	case err != nil:
		l.engine.rejected.Add(1)
		return
	}
	switch m := m.(type) {
	case handshake.Hello:
		l.hello(m, now)
	case handshake.Probe:
		l.probed(m, now)
	case handshake.Check:
		l.engine.receiveCheck(m, now)
	default:
		l.engine.rejected.Add(1)
	}
}

// refuse tells a dialer why it gets no Conn.
func (l *Listener) refuse(hello handshake.Hello, now time.Time, code handshake.RefusalCode, reason string) {
	if l.engine.limits.refusals.allow(now) {
		l.engine.reply(hello.Inbox, handshake.NewRefusal(hello.ID, code, reason))
	}
}

// otherVersion refuses a hello that only a listener of another version
// understands, once.
func (l *Listener) otherVersion(m handshake.Hello, now time.Time, why error) {
	e := l.engine
	wall := e.config.wall()
	if handshake.InTime(m.Time, wall, e.config.TimeWindow) && e.replays.Add(m.Digest(), wall) {
		l.refuse(m, now, handshake.RefusedVersion, why.Error())
	}
}

// hello goes from the cheap checks to the costly ones (SPEC.md, "Answering a HELLO").
func (l *Listener) hello(m handshake.Hello, now time.Time) {
	e := l.engine
	wall := e.config.wall()
	if !handshake.InTime(m.Time, wall, e.config.TimeWindow) {
		if e.limits.time(m, now) {
			e.reply(m.Inbox, handshake.Time{ID: m.ID, Hello: m.Time, Listener: wall})
		}
		return
	}
	digest := m.Digest()
	if c := l.pending(digest); c != nil {
		if e.limits.repeats.allow(now) {
			e.reply(m.Inbox, c.origin.answer)
		}
		return
	}
	if l.full() {
		l.refuse(m, now, handshake.RefusedBusy, "too many connections wait to be accepted; try again later")
		return
	}
	if !e.replays.Add(digest, wall) {
		e.rejected.Add(1)
		return
	}
	l.respond(m, digest, now)
}

// respond does the public-key work and leaves a half-open Conn.
func (l *Listener) respond(m handshake.Hello, digest [32]byte, now time.Time) {
	e := l.engine
	responder, offer, err := l.keys.Respond(m)
	switch {
	case errors.Is(err, handshake.ErrPinned):
		l.refuse(m, now, handshake.RefusedPinned, err.Error())
		return
	case err != nil:
		e.rejected.Add(1)
		return
	}
	protocol, ok := handshake.Select(offer.Protocols, l.protocols)
	if !ok {
		reason := fmt.Sprintf("dialer offers %s, listener has %s", list(offer.Protocols), list(l.protocols))
		l.refuse(m, now, handshake.RefusedProtocol, reason)
		return
	}
	reply := handshake.Reply{ID: random8(), Inbox: e.inbox, MaxMessageSize: e.messageSize(), Protocol: protocol}
	answer, secrets, err := responder.Finish(rand.Reader, reply)
	if err != nil {
		e.rejected.Add(1)
		return
	}
	l.admit(agreed{
		id: reply.ID,
		origin: origin{
			name: l.name, protocol: protocol, logID: secrets.LogID, peerID: offer.ID, peerInbox: offer.Inbox,
			digest: digest, listener: l, answer: answer,
		},
		incoming: secrets.ToListener, outgoing: secrets.ToDialer, maxMessageSize: offer.MaxMessageSize,
	}, now)
}

// admit sends the answer and waits for the dialer's proof.
func (l *Listener) admit(a agreed, now time.Time) {
	c := l.engine.enter(a, now)
	switch {
	case c == nil:
	case !l.await(c):
		c.Refuse()
	default:
		c.Start(now)
		l.engine.toInbox(a.origin.peerInbox, a.origin.answer)
	}
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
