package record

import (
	"crypto/cipher"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Opener opens the packets of one direction of one connection. One goroutine at a time may use it.
type Opener struct {
	secret        *[secretSize]byte          // of the epoch after this one
	previous      *atomic.Pointer[epochKeys] // nil if there is none, or it was dropped, by any goroutine
	previousUntil time.Time
	current       *epochKeys
	next          *epochKeys // derived from secret when a packet claims to need it; not in use before one has proved it
	headerKey     cipher.Block
	epochBits     uint
	epoch         uint64
	received      window
	inputs        *inputs
}

// NewOpener returns the counterpart of NewSealer; id is the one that this end chose.
func NewOpener(secret [32]byte, id [8]byte, epochBits uint) *Opener {
	o := &Opener{
		secret: &secret, current: newEpochKeys(&secret), headerKey: newHeaderKey(&secret),
		epochBits: epochBits, inputs: newInputs(id), previous: new(atomic.Pointer[epochKeys]),
	}
	ratchet(o.secret)
	return o
}

// Open decrypts the packet into room, or in place if that is nil, and returns its number and plaintext, a part of room or of packet. Room must not overlap
// packet and hold len(packet)-Overhead bytes. The caller has found the connection by [Mask.ID].
// Errors are ErrShort, ErrReplay, ErrEpoch and ErrForged. After one of them number is what the packet claims, for a trace, the content of packet and room
// is lost, and the Opener is as it was before.
func (o *Opener) Open(room, packet []byte, now time.Time) (number uint64, plaintext []byte, err error) {
	if len(packet) < Overhead {
		return 0, nil, ErrShort
	}
	if o.previous.Load() != nil && !now.Before(o.previousUntil) {
		o.DropPrevious()
	}
	low := binary.BigEndian.Uint32(packet[idSize:]) ^ o.inputs.numberPad(o.headerKey, packet)
	number = expandNumber(o.received.next, low)
	if o.received.contains(number) {
		return number, nil, ErrReplay
	}
	keys := o.keysOf(number >> o.epochBits)
	if keys == nil {
		return number, nil, ErrEpoch
	}
	o.inputs.set(&keys.iv, number)
	if room == nil {
		room = packet[HeaderSize:]
	}
	plaintext, err = keys.aead.Open(room[:0], o.inputs.nonce[:], packet[HeaderSize:], o.inputs.associated[:])
	if err != nil {
		return number, nil, ErrForged
	}
	o.received.add(number)
	if keys == o.next {
		o.commitNext(now)
	}
	return number, plaintext[:len(plaintext):len(plaintext)], nil
}

// keysOf returns the keys of the last epoch, this or the next, nil for any other. The next keys are kept, so that forged numbers cost one derivation in
// an epoch and not one each.
func (o *Opener) keysOf(epoch uint64) *epochKeys {
	switch epoch {
	case o.epoch:
		return o.current
	case o.epoch + 1:
		if o.next == nil {
			o.next = newEpochKeys(o.secret)
		}
		return o.next
	case o.epoch - 1:
		return o.previous.Load()
	}
	return nil
}

// commitNext makes the next epoch the current one; call it only when a packet has been authenticated under its keys.
func (o *Opener) commitNext(now time.Time) {
	o.previous.Store(o.current)
	o.current, o.next = o.next, nil
	o.previousUntil = now.Add(keepPrevious)
	o.epoch++
	ratchet(o.secret)
}

// PreviousUntil is when the keys of the last epoch have to go, whether packets come or not; zero: there are none.
func (o *Opener) PreviousUntil() time.Time {
	if o.previous.Load() == nil {
		return time.Time{}
	}
	return o.previousUntil
}

// DropPrevious forgets the keys of the last epoch. Any goroutine may call it.
func (o *Opener) DropPrevious() { o.previous.Store(nil) }
