package handshake

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// maxProtocols bounds the list of protocols in a hello, in bytes, each counted with its length byte. With it, and
// with 32 bytes for a pinned key to come, a hello still fits into an envelope: it takes 272 of maxBody's 284 bytes. An
// answer with the longest protocol takes 238.
const maxProtocols = 120

// Offer is what a dialer says: the first three in the hello's clear fields, the others inside Noise message 1.
type Offer struct {
	ID             [8]byte // the connection id that the dialer wants to be addressed by
	Inbox          Inbox   // the dialer's, and so the identity of its process
	Time           time.Time
	TokenHash      [16]byte // of the ID's token
	MaxMessageSize int      // largest MQTT payload that the dialer accepts, bytes
	Links          uint8    // how many the dialer has, 1 to MaxLinks
	Protocols      []string // in the dialer's order of preference; empty means the plain stream, ""
}

// encode returns the payload of Noise message 1.
func (o Offer) encode() ([]byte, error) {
	protocols := plainIfEmpty(o.Protocols)
	b := make([]byte, 0, maxBody)
	b = append(b, o.TokenHash[:]...)
	b = appendLimits(b, o.MaxMessageSize, o.Links)
	b = append(b, 0) // length of a pinned listener key: reserved
	if err := CheckProtocols(protocols); err != nil {
		return nil, err
	}
	b = append(b, byte(len(protocols)))
	for _, p := range protocols {
		b = appendString(b, p)
	}
	return b, nil
}

// clear returns the hello without its Noise message.
func (o Offer) clear() Hello { return Hello{Time: o.Time, ID: o.ID, Inbox: o.Inbox} }

// CheckProtocols reports, with ErrProtocols, a list that does not fit into a hello.
func CheckProtocols(protocols []string) error {
	size := 0
	for _, p := range protocols {
		size += 1 + len(p)
	}
	if size > maxProtocols {
		return fmt.Errorf("%w (these take %d)", ErrProtocols, size)
	}
	return nil
}

// decodeOffer is the inverse of encode, with the clear fields of the hello.
func decodeOffer(hello Hello, payload []byte) (Offer, error) {
	f := fields{rest: payload}
	o := Offer{ID: hello.ID, Inbox: hello.Inbox, Time: hello.Time, TokenHash: f.bytes16()}
	o.MaxMessageSize, o.Links = readLimits(&f)
	if f.uint8() != 0 {
		return Offer{}, ErrPinned
	}
	count := int(f.uint8())
	if count == 0 || len(f.rest) > maxProtocols {
		f.short = true
	}
	for range count {
		if f.short {
			break
		}
		o.Protocols = append(o.Protocols, f.string())
	}
	if !f.done() {
		return Offer{}, fmt.Errorf("%w: payload of Noise message 1", ErrMalformed)
	}
	return o, nil
}

// Reply is what a listener says inside Noise message 2.
type Reply struct {
	ID             [8]byte  // the connection id that the listener wants to be addressed by
	Inbox          Inbox    // the listener's, and so the identity of its process
	TokenHash      [16]byte // of the ID's token
	MaxMessageSize int      // largest MQTT payload that the listener accepts, bytes
	Links          uint8    // how many the listener has, 1 to MaxLinks
	Protocol       string   // one of those offered
}

// encode returns the payload of Noise message 2.
func (r Reply) encode() []byte {
	b := make([]byte, 0, maxBody)
	b = r.Inbox.append(b)
	b = append(b, r.ID[:]...)
	b = append(b, r.TokenHash[:]...)
	b = appendLimits(b, r.MaxMessageSize, r.Links)
	return appendString(b, r.Protocol)
}

// decodeReply is the inverse of encode.
func decodeReply(payload []byte) (Reply, error) {
	f := fields{rest: payload}
	r := Reply{Inbox: f.inbox(), ID: f.id(), TokenHash: f.bytes16()}
	r.MaxMessageSize, r.Links = readLimits(&f)
	r.Protocol = f.string()
	if !f.done() {
		return Reply{}, fmt.Errorf("%w: payload of Noise message 2", ErrMalformed)
	}
	return r, nil
}

// Select returns the first of the offered protocols that is supported. An empty list means the plain stream, "".
func Select(offered, supported []string) (protocol string, ok bool) {
	supported = plainIfEmpty(supported)
	for _, p := range plainIfEmpty(offered) {
		if slices.Contains(supported, p) {
			return p, true
		}
	}
	return "", false
}

func plainIfEmpty(protocols []string) []string {
	if len(protocols) == 0 {
		return []string{""}
	}
	return protocols
}

// appendLimits appends what either end says of itself: the largest MQTT payload that it accepts, and how many links
// it has.
func appendLimits(b []byte, size int, links uint8) []byte {
	if !areLimits(size, links) {
		panic(fmt.Sprintf("BUG: handshake: message size %d is outside %d to %d, or number of links %d outside 1 to %d",
			size, MinMessageSize, MaxMessageSize, links, MaxLinks))
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(size)), links)
}

func readLimits(f *fields) (size int, links uint8) {
	size, links = int(f.uint32()), f.uint8()
	if !areLimits(size, links) {
		f.short = true
	}
	return size, links
}

func areLimits(size int, links uint8) bool {
	return size >= MinMessageSize && size <= MaxMessageSize && links >= 1 && links <= MaxLinks
}
