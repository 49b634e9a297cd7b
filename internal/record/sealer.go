package record

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

// Sealer makes the packets of one direction of one connection. One goroutine at a time may use it.
type Sealer struct {
	secret    *[secretSize]byte // of the epoch after this one: what made the keys in use is gone
	keys      *epochKeys
	headerKey cipher.Block
	mask      cipher.Block
	epochBits uint
	epoch     uint64
	number    uint64 // of the next packet
	update    keyUpdate
	inputs    *inputs
}

// NewSealer returns a Sealer that begins at packet number 0. The secret is that of its direction, and must never be given to a second Sealer, which would
// use the same numbers again; id is the one that the receiver chose. epochBits is EpochBits except in tests, the same at both ends.
func NewSealer(secret [32]byte, id [8]byte, mask *Mask, epochBits uint) *Sealer {
	s := &Sealer{
		secret: &secret, keys: newEpochKeys(&secret), headerKey: newHeaderKey(&secret),
		mask: mask.block, epochBits: epochBits, inputs: newInputs(id),
	}
	ratchet(s.secret)
	return s
}

// Next returns the number of the packet that Seal makes next. When the hourly change of keys is due, it first jumps to the next epoch, so
// numbers have gaps. It panics after MaxNumber, which no connection lives to see, rather than use a number twice.
func (s *Sealer) Next(now time.Time) uint64 {
	s.enterEpoch()
	if s.update.due(now) {
		s.number = (s.epoch + 1) << s.epochBits
		s.enterEpoch()
	}
	if s.update.began.IsZero() {
		s.update.began = now
	}
	return s.number
}

// Acknowledged tells the Sealer that the peer has acknowledged this packet number; the highest one suffices. Without it keys change only at
// the end of an epoch, never by the hour.
func (s *Sealer) Acknowledged(number uint64) {
	if number>>s.epochBits == s.epoch && number < s.number {
		s.update.acknowledged = true
	}
}

// Seal makes a packet at the beginning of room and returns its size, len(plaintext)+Overhead. Room must be that large. The plaintext lies at
// room[HeaderSize:], or apart from room; there it is read only, so that a buffer needs no repair after it was sealed from. Each call uses up one number.
func (s *Sealer) Seal(room, plaintext []byte) int {
	size := len(plaintext) + Overhead
	if len(room) < size {
		panic(fmt.Sprintf("BUG: record: room of %d bytes for a packet of %d", len(room), size))
	}
	s.enterEpoch()
	packet := room[:size:size]
	s.inputs.set(&s.keys.iv, s.number)
	s.keys.aead.Seal(packet[HeaderSize:HeaderSize], s.inputs.nonce[:], plaintext, s.inputs.associated[:])
	binary.BigEndian.PutUint32(packet[idSize:], uint32(s.number)^s.inputs.numberPad(s.headerKey, packet))
	s.mask.Encrypt(s.inputs.pad[:], packet[size-sampleSize:])
	subtle.XORBytes(packet[:idSize], s.inputs.associated[:idSize], s.inputs.pad[:])
	s.number++
	return size
}

// enterEpoch ratchets the keys if the next packet is the first one of the next epoch.
func (s *Sealer) enterEpoch() {
	if s.number > MaxNumber {
		panic("record: all packet numbers of the connection are used up")
	}
	if s.number>>s.epochBits == s.epoch {
		return
	}
	s.keys = newEpochKeys(s.secret)
	ratchet(s.secret)
	s.epoch++
	s.update = keyUpdate{}
}
