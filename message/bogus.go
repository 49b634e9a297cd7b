package message

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
)

// SendBogus tests whoever listens: it sends message as Send does, and after it seven packets that must all be refused, each for its own
// reason. A far side that holds one of the keys must receive message once, and its [Stats] must count one packet more as Forged (other
// key), WrongVersion and Replayed (message again), and two more as WrongTime (a day ago, in a day) and as Malformed (wrong size field,
// cut short): one and two for each broker that both are connected to.
func (s *Session) SendBogus(ctx context.Context, message []byte) error {
	if err := s.checkSend(message); err != nil {
		return err
	}
	var parts []part
	for _, p := range s.peers {
		parts = append(parts, bogusParts(p, message)...)
	}
	return s.outbox.send(ctx, parts)
}

// bogusParts returns message's packet and the seven that must be refused.
func bogusParts(p *peer, message []byte) []part {
	var genuine []byte // set by the first part
	makers := []func(c *Codec) ([]byte, error){
		func(c *Codec) (packet []byte, err error) {
			genuine, err = c.Seal(message)
			return genuine, err
		},
		sealedWithOtherKey,
		func(c *Codec) ([]byte, error) { return sealedAt(c, c.now().Add(-c.window-24*time.Hour)) },
		func(c *Codec) ([]byte, error) { return sealedAt(c, c.now().Add(c.window+24*time.Hour)) },
		sealedWithWrongSize,
		sealedWithWrongVersion,
		func(*Codec) ([]byte, error) { return genuine[:Overhead-1], nil },
		func(*Codec) ([]byte, error) { return genuine, nil },
	}
	parts := make([]part, len(makers))
	for i, makePacket := range makers {
		parts[i] = part{p.publish, func(room []byte) (int, error) {
			packet, err := makePacket(p.codec)
			return copy(room, packet), err
		}}
	}
	return parts
}

// twin returns a Codec for packets that c's own state must not learn of.
func twin(c *Codec, key mqtte2e.Key, now func() time.Time) *Codec {
	return &Codec{Key: key, AuthData: c.AuthData, PadSize: c.PadSize, Now: now}
}

func sealedWithOtherKey(c *Codec) ([]byte, error) {
	return twin(c, mqtte2e.NewKey(), c.now).Seal(nil)
}

func sealedAt(c *Codec, at time.Time) ([]byte, error) {
	return twin(c, c.Key, func() time.Time { return at }).Seal(nil)
}

func sealedWithWrongSize(c *Codec) ([]byte, error) { return sealedEmpty(c, protocolVersion, 1) }

func sealedWithWrongVersion(c *Codec) ([]byte, error) { return sealedEmpty(c, protocolVersion+1, 0) }

// sealedEmpty seals a plaintext of nothing but version and size.
func sealedEmpty(c *Codec, version byte, size uint16) ([]byte, error) {
	packet := make([]byte, Overhead)
	plain := plaintext(packet)
	plain[0] = version
	binary.BigEndian.PutUint16(plain[1:], size)
	return packet, c.sealPlaintext(packet, c.now())
}
