package handshake

import (
	"crypto/sha256"
	"time"
)

// Hello asks a listener for a connection. Sent to the rendezvous topic.
//
// Time, ID and Inbox stand in every version's hello, and again inside the Noise message. The clear copies let a
// listener refuse at little cost; [Name.Respond] compares them.
type Hello struct {
	Time  time.Time // the dialer's clock when it made Noise
	ID    [8]byte   // the connection id that the dialer wants to be addressed by
	Inbox [16]byte  // where the dialer hears the answer
	Noise []byte    // Noise message 1
}

func (Hello) kind() byte { return typeHello }

func (m Hello) append(body []byte) []byte {
	body = appendTime(body, m.Time)
	body = append(body, m.ID[:]...)
	body = append(body, m.Inbox[:]...)
	return append(body, m.Noise...)
}

func readHello(f *fields) Hello {
	return Hello{Time: f.time(), ID: f.id(), Inbox: f.inbox(), Noise: f.remaining()}
}

// Digest identifies the hello however often it is sealed anew: SHA-256 of its Noise message.
func (m Hello) Digest() [32]byte { return sha256.Sum256(m.Noise) }

// Probe asks whether a listener is there. Sent to the rendezvous topic and answered by a Pong.
type Probe struct {
	Nonce [8]byte
	Inbox [16]byte // where the answer goes
}

func (Probe) kind() byte { return typeProbe }

func (m Probe) append(body []byte) []byte {
	body = append(body, m.Nonce[:]...)
	return append(body, m.Inbox[:]...)
}

// Check asks whether a connection still exists. Sent to the rendezvous topic or to an inbox and answered by a Gone
// or a NotMine; whoever has the connection answers under its session keys instead.
type Check struct {
	Nonce    [8]byte
	Reply    [16]byte // the inbox that the answer goes to
	ID       [8]byte  // the connection id asked about
	Instance [16]byte // the inbox of the process that should know it
}

func (Check) kind() byte { return typeCheck }

func (m Check) append(body []byte) []byte {
	body = append(body, m.Nonce[:]...)
	body = append(body, m.Reply[:]...)
	body = append(body, m.ID[:]...)
	return append(body, m.Instance[:]...)
}
