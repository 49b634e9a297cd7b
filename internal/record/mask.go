package record

import (
	"crypto/cipher"
	"crypto/subtle"
)

// Mask hides the connection id at the head of every packet made under one key. The mask differs from packet to packet, since it is computed from the tag;
// so outsiders cannot tell which packets belong to one connection.
//
// ID belongs to the goroutine that reads packets; Sealers may be made from the Mask and used meanwhile.
type Mask struct {
	block cipher.Block
	pad   *[sampleSize]byte // scratch of ID, here so that ID need not allocate
}

// NewMask returns the mask of all connections under one key, whose "mask" output is key.
func NewMask(key [16]byte) *Mask {
	return &Mask{block: newBlock(key[:]), pad: new([sampleSize]byte)}
}

// ID returns the connection id that the packet claims to belong to; it is not authenticated before the packet is opened. ok is false if the packet is
// shorter than Overhead.
func (m *Mask) ID(packet []byte) (id [8]byte, ok bool) {
	if len(packet) < Overhead {
		return id, false
	}
	m.block.Encrypt(m.pad[:], packet[len(packet)-sampleSize:])
	subtle.XORBytes(id[:], packet[:idSize], m.pad[:])
	return id, true
}
