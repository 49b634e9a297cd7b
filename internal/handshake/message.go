package handshake

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Hello asks a listener for a connection. Sent to the rendezvous topic.
//
// Time, ID, Inbox and Link stand in every version's hello, so that a listener can refuse at little cost. The Noise message
// is bound to the first three. It is not to the link: one hello goes out on each of them, and makes one connection.
type Hello struct {
	Time  time.Time // the dialer's clock when it made Noise
	ID    [8]byte   // the connection id that the dialer wants to be addressed by
	Inbox Inbox     // where the dialer hears the answer
	Link  uint8     // of the dialer: the one that this goes out on and that the answer goes to
	Noise []byte    // Noise message 1
}

func (Hello) kind() byte { return typeHello }

func (m Hello) append(body []byte) []byte {
	return append(appendLink(m.appendClear(body), m.Link), m.Noise...)
}

// appendClear appends what stands before the link, which is what the Noise message is bound to.
func (m Hello) appendClear(body []byte) []byte {
	body = appendTime(body, m.Time)
	body = append(body, m.ID[:]...)
	return m.Inbox.append(body)
}

func readHello(f *fields) Hello {
	return Hello{Time: f.time(), ID: f.id(), Inbox: f.inbox(), Link: f.link(), Noise: f.remaining()}
}

// Digest identifies the hello however often it is sealed anew, and whichever link it goes out on: SHA-256 of its body
// without the link.
func (m Hello) Digest() [32]byte { return sha256.Sum256(append(m.appendClear(nil), m.Noise...)) }

// Probe asks whether a listener is there. Sent to the rendezvous topic and answered by a Pong.
type Probe struct {
	Nonce [8]byte
	Inbox Inbox // where the answer goes
	Link  uint8 // and to which link there
}

func (Probe) kind() byte { return typeProbe }

func (m Probe) append(body []byte) []byte {
	body = append(body, m.Nonce[:]...)
	return appendLink(m.Inbox.append(body), m.Link)
}

// Check asks whether a connection still exists. Sent to the rendezvous topic or to an inbox and answered by a Gone
// or a NotMine; whoever has the connection answers under its session keys instead.
type Check struct {
	Nonce    [8]byte
	Reply    Inbox    // where the answer goes
	Link     uint8    // and to which link there
	ID       [8]byte  // the connection id asked about
	Instance [16]byte // the inbox of the process that should know it
}

func (Check) kind() byte { return typeCheck }

func (m Check) append(body []byte) []byte {
	body = append(body, m.Nonce[:]...)
	body = appendLink(m.Reply.append(body), m.Link)
	body = append(body, m.ID[:]...)
	return append(body, m.Instance[:]...)
}

// Answer accepts a Hello. Sent to the dialer's inbox. The Noise message is not bound to the link, so that the same one
// answers the same hello on each.
type Answer struct {
	ID    [8]byte // the dialer's
	Link  uint8   // of the listener: the one that this goes out on
	Noise []byte  // Noise message 2
}

func (Answer) kind() byte { return typeAnswer }

func (m Answer) append(body []byte) []byte {
	body = append(body, m.ID[:]...)
	return append(appendLink(body, m.Link), m.Noise...)
}

func readAnswer(f *fields) Answer {
	return Answer{ID: f.id(), Link: f.link(), Noise: f.remaining()}
}

// RefusalCode says why a listener refused, for programs. Codes that this package does not know pass through.
type RefusalCode byte

const (
	RefusedVersion  RefusalCode = 1 // the hello's protocol version is not ours
	RefusedProtocol RefusalCode = 2 // no protocol in common
	RefusedBusy     RefusalCode = 3 // the listener's backlog is full
	RefusedPinned   RefusalCode = 4 // the dialer asks for a pinned listener key
)

// String returns a few words, made to stand after "refused: ".
func (c RefusalCode) String() string {
	switch c {
	case RefusedVersion:
		return "protocol version not supported"
	case RefusedProtocol:
		return "no protocol in common"
	case RefusedBusy:
		return "backlog full"
	case RefusedPinned:
		return "pinned listener key not supported"
	}
	return fmt.Sprintf("reason %d", byte(c))
}

// MaxReason is the length of a refusal's reason in bytes. A reason is a line for people, and has to fit into an
// envelope.
const MaxReason = 120

// Refusal tells a dialer that there will be no connection. Sent to the dialer's inbox. It is made by NewRefusal,
// and its format is the same in all versions, so that a version may be what is refused.
type Refusal struct {
	ID     [8]byte // the dialer's
	Code   RefusalCode
	Reason string // UTF-8, at most MaxReason bytes; may be empty. Quote it before it reaches a terminal
}

// NewRefusal makes a refusal whose reason is valid UTF-8 and cut to MaxReason at the start of a character.
func NewRefusal(id [8]byte, code RefusalCode, reason string) Refusal {
	reason = strings.ToValidUTF8(reason, "?")
	if len(reason) > MaxReason {
		end := MaxReason
		for !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	return Refusal{ID: id, Code: code, Reason: reason}
}

func (Refusal) kind() byte { return typeRefusal }

func (m Refusal) append(body []byte) []byte {
	if len(m.Reason) > MaxReason || !utf8.ValidString(m.Reason) {
		panic("BUG: handshake: a refusal that NewRefusal did not make")
	}
	body = append(body, m.ID[:]...)
	body = append(body, byte(m.Code))
	return append(body, m.Reason...)
}

func readRefusal(f *fields) Refusal {
	m := Refusal{ID: f.id(), Code: RefusalCode(f.uint8()), Reason: string(f.take(len(f.rest)))}
	if len(m.Reason) > MaxReason || !utf8.ValidString(m.Reason) {
		f.short = true
	}
	return m
}

// Time tells a dialer whose clock is off what the listener's clock shows. Sent to the dialer's inbox. The dialer
// believes it only if ID and Hello are those of a hello that it is waiting with.
type Time struct {
	ID       [8]byte   // the dialer's
	Hello    time.Time // the time of the hello that this answers
	Listener time.Time // the listener's clock when it answered
}

func (Time) kind() byte { return typeTime }

func (m Time) append(body []byte) []byte {
	body = append(body, m.ID[:]...)
	body = appendTime(body, m.Hello)
	return appendTime(body, m.Listener)
}

// Behind returns by how much the hello's time was behind the listener's clock when it arrived: what the clocks differ,
// and how long it was under way. One with a time that much later arrives in time. The difference wraps, as the field
// does: one that stopped at the longest time.Duration would not lead back from a time that somebody invented.
func (m Time) Behind() time.Duration {
	return time.Duration(m.Listener.UnixNano() - m.Hello.UnixNano())
}

// Pong answers a Probe. Sent to the prober's inbox.
type Pong struct{ Nonce [8]byte }

func (Pong) kind() byte { return typePong }

func (m Pong) append(body []byte) []byte { return append(body, m.Nonce[:]...) }

// Gone answers a Check: this is the process that was asked for, as the token shows, and it does not know the
// connection.
type Gone struct {
	Nonce [8]byte
	Token [16]byte // see TokenSecret
}

func (Gone) kind() byte { return typeGone }

func (m Gone) append(body []byte) []byte {
	body = append(body, m.Nonce[:]...)
	return append(body, m.Token[:]...)
}

// NotMine answers a Check: this is another process than the one that was asked for.
type NotMine struct{ Nonce [8]byte }

func (NotMine) kind() byte { return typeNotMine }

func (m NotMine) append(body []byte) []byte { return append(body, m.Nonce[:]...) }
