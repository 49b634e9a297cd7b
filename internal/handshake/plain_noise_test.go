package handshake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// plainNoise is Noise_NNpsk0_25519_AESGCM_SHA256 written a second time, from the Noise specification and the
// standard library only. It checks that SPEC.md, and not one library's habits, is what we speak.
type plainNoise struct {
	ck, h, k []byte
	n        uint64
}

func plainHMAC(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// plainExpand is HKDF-Expand of one block.
func plainExpand(prk []byte, info string, size int) []byte {
	return plainHMAC(prk, []byte(info), []byte{1})[:size]
}

// plainHKDF is the HKDF function of Noise, section 4.3, with three outputs.
func plainHKDF(ck, input []byte) (one, two, three []byte) {
	temp := plainHMAC(ck, input)
	one = plainHMAC(temp, []byte{1})
	two = plainHMAC(temp, one, []byte{2})
	return one, two, plainHMAC(temp, two, []byte{3})
}

func (s *plainNoise) begin(psk, prologue []byte) {
	s.h = []byte("Noise_NNpsk0_25519_AESGCM_SHA256") // 32 bytes, so it is not hashed
	s.ck = s.h
	s.mixHash(prologue)
	var mixed []byte
	s.ck, mixed, s.k = plainHKDF(s.ck, psk)
	s.n = 0
	s.mixHash(mixed)
}

func (s *plainNoise) mixHash(data []byte) {
	sum := sha256.Sum256(append(append([]byte(nil), s.h...), data...))
	s.h = sum[:]
}

func (s *plainNoise) mixKey(input []byte) {
	s.ck, s.k, _ = plainHKDF(s.ck, input)
	s.n = 0
}

func (s *plainNoise) seal(payload []byte) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[4:], s.n)
	s.n++
	sealed := plainAEAD(s.k).Seal(nil, nonce, payload, s.h)
	s.mixHash(sealed)
	return sealed
}

// plainAEAD is AES-GCM with a key of either size.
func plainAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

// plainSeal builds an envelope of the given length.
func plainSeal(t *testing.T, key, salt []byte, kind byte, body []byte, length int) []byte {
	t.Helper()
	secret := plainExpand(key, "envelope"+string(salt), 28)
	plaintext := append([]byte{1, kind, byte(len(body) >> 8), byte(len(body))}, body...)
	plaintext = append(plaintext, make([]byte, length-32-len(plaintext))...)
	return plainAEAD(secret[:16]).Seal(append([]byte(nil), salt...), secret[16:], plaintext, nil)
}

// plainKeys makes the two key pairs and the secret that they share.
func plainKeys(t *testing.T, dialer, listener []byte) (dialerPublic, listenerPublic, shared []byte) {
	t.Helper()
	d, err := ecdh.X25519().NewPrivateKey(dialer)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ecdh.X25519().NewPrivateKey(listener)
	if err != nil {
		t.Fatal(err)
	}
	shared, err = d.ECDH(l.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return d.PublicKey().Bytes(), l.PublicKey().Bytes(), shared
}

// plainHandshake computes both Noise messages and what comes out of them.
func plainHandshake(t *testing.T, psk, prologue, dialer, listener, offer, reply []byte) (message1, message2, toListener, toDialer, logID []byte) {
	t.Helper()
	dialerPublic, listenerPublic, shared := plainKeys(t, dialer, listener)
	var s plainNoise
	s.begin(psk, prologue) // -> psk
	s.mixHash(dialerPublic)
	s.mixKey(dialerPublic) // -> e
	message1 = append(dialerPublic, s.seal(offer)...)
	s.mixHash(listenerPublic)
	s.mixKey(listenerPublic) // <- e
	s.mixKey(shared)         // <- ee
	message2 = append(listenerPublic, s.seal(reply)...)
	toListener, toDialer, _ = plainHKDF(s.ck, nil)
	return message1, message2, toListener, toDialer, plainExpand(s.h, "id", 4)
}
