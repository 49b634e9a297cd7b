package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// The examples of RFC 9000, appendix A.1, and both sides of each boundary.
var varints = map[uint64]string{
	0: "00", 37: "25", 63: "3f",
	64: "4040", 15293: "7bbd", 16383: "7fff",
	16384: "80004000", 494878333: "9d7f3e7d", 1<<30 - 1: "bfffffff",
	1 << 30: "c000000040000000", 151288809941952652: "c2197c5eff14e88c", MaxInteger: "ffffffffffffffff",
}

func TestVarint(t *testing.T) {
	for v, digits := range varints {
		want, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendVarint(nil, v); !bytes.Equal(got, want) || varintLen(v) != len(want) {
			t.Errorf("%d: encoded % x of length %d, want % x", v, got, varintLen(v), want)
		}
		if got, size, err := readVarint(append(want, 0xff)); got != v || size != len(want) || err != nil {
			t.Errorf("%s: read %d of %d bytes, %v", digits, got, size, err)
		}
		for cut := range want {
			if _, _, err := readVarint(want[:cut]); !errors.Is(err, errTruncated) {
				t.Errorf("%s cut to %d bytes: %v", digits, cut, err)
			}
		}
	}
}

func TestVarintOfAnotherLengthIsRefused(t *testing.T) {
	for _, digits := range []string{"4000", "403f", "80000000", "80003fff", "c000000000000000", "c00000003fffffff"} {
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := readVarint(b); !errors.Is(err, errNotMinimal) {
			t.Errorf("%s: %v", digits, err)
		}
	}
}
