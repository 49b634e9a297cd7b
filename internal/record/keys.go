package record

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
)

// secretSize is the size of a traffic secret in bytes: one for each direction comes from the handshake.
const secretSize = 32

// expand derives size bytes from a traffic secret by HKDF-Expand with SHA-256 (RFC 5869, section 2.3).
func expand(secret *[secretSize]byte, purpose string, size int) []byte {
	out, err := hkdf.Expand(sha256.New, secret[:], purpose, size)
	if err != nil {
		panic("BUG: record: HKDF refuses a constant size: " + err.Error())
	}
	return out
}

// ratchet replaces a secret by that of the epoch after it. There is no way back.
func ratchet(secret *[secretSize]byte) { copy(secret[:], expand(secret, "next", secretSize)) }

// newHeaderKey returns the cipher of number protection, which the first epoch's secret gives for the whole connection (as in RFC 9001, section 6): the
// receiver needs it before it knows the epoch.
func newHeaderKey(secret *[secretSize]byte) cipher.Block { return newBlock(expand(secret, "hp", 16)) }

func newBlock(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("BUG: record: AES refuses a key of 16 bytes: " + err.Error())
	}
	return block
}

// epochKeys are the packet protection keys of one epoch.
type epochKeys struct {
	aead cipher.AEAD
	iv   [nonceSize]byte
}

const nonceSize = 12

func newEpochKeys(secret *[secretSize]byte) *epochKeys {
	aead, err := cipher.NewGCM(newBlock(expand(secret, "key", 16)))
	if err != nil {
		panic("BUG: record: AES-GCM is not to be had: " + err.Error())
	}
	k := &epochKeys{aead: aead}
	copy(k.iv[:], expand(secret, "iv", nonceSize))
	return k
}

// inputs is where nonce, associated data and header masks are computed. Sealer and Opener keep one, because it would otherwise be allocated anew for each
// packet: it is passed through the interfaces of crypto/cipher.
type inputs struct {
	nonce      [nonceSize]byte
	associated [idSize + 8]byte // id, full packet number
	pad        [sampleSize]byte
}

func newInputs(id [idSize]byte) *inputs {
	in := new(inputs)
	copy(in.associated[:], id[:])
	return in
}

// set computes nonce and associated data: the nonce is the iv XOR the number, right-aligned.
func (in *inputs) set(iv *[nonceSize]byte, number uint64) {
	in.nonce = *iv
	low := in.nonce[nonceSize-8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^number)
	binary.BigEndian.PutUint64(in.associated[idSize:], number)
}

// numberPad returns what the 4 bytes of the packet number are XORed with (RFC 9001, section 5.4.3), once the ciphertext is in place.
func (in *inputs) numberPad(headerKey cipher.Block, packet []byte) uint32 {
	headerKey.Encrypt(in.pad[:], packet[HeaderSize:HeaderSize+sampleSize])
	return binary.BigEndian.Uint32(in.pad[:])
}
