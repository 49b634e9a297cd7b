package record

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// readExample returns the values of testdata/packets.txt by name.
func readExample(t testing.TB) map[string][]byte {
	file, err := os.ReadFile("testdata/packets.txt")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]byte{}
	for line := range strings.Lines(string(file)) {
		name, digits, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		if values[name], err = hex.DecodeString(digits); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return values
}

func TestExample(t *testing.T) {
	values := readExample(t)
	check := func(name string, got []byte) {
		t.Helper()
		if !bytes.Equal(got, values[name]) {
			t.Errorf("%s:\n got %x\nwant %x", name, got, values[name])
		}
	}
	secret := [secretSize]byte(values["traffic secret"])
	id := [8]byte(values["connection id"])
	mask := NewMask([16]byte(values["mask key"]))
	s, o := NewSealer(secret, id, mask, EpochBits), NewOpener(secret, id, EpochBits)
	check("hp", expand(&secret, "hp", 16))

	for _, n := range []string{"0", "1"} {
		if n == "1" {
			ratchet(&secret)
			check("epoch 1 secret", secret[:])
		}
		check("epoch "+n+" key", expand(&secret, "key", 16))
		check("epoch "+n+" iv", expand(&secret, "iv", nonceSize))
		s.number = binary.BigEndian.Uint64(values["packet "+n+" number"])
		packet := seal(s, values["plaintext"])
		check("packet "+n, packet)
		check("packet "+n+" ciphertext and tag", packet[HeaderSize:])
		check("packet "+n+" nonce", s.inputs.nonce[:])
		check("packet "+n+" associated data", s.inputs.associated[:])
		check("packet "+n+" number pad", binary.BigEndian.AppendUint32(nil, s.inputs.numberPad(s.headerKey, packet)))
		if got, ok := mask.ID(packet); !ok || got != id {
			t.Errorf("packet %s: id %x, %v", n, got, ok)
		}
		check("packet "+n+" id pad", mask.pad[:idSize])
		number, plaintext, err := o.Open(nil, packet, start)
		if err != nil || number != s.number-1 {
			t.Errorf("packet %s: opened as number %d, %v", n, number, err)
		}
		check("plaintext", plaintext)
	}
}
