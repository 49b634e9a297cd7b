package record

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// No verb prints a key, nor any other content, even of a value inside another struct.
func TestFormatHidesKeys(t *testing.T) {
	s, o := newPair(EpochBits)
	mask := NewMask(testMask)
	secret := testSecret
	later := *s.secret
	private := [][]byte{
		testMask[:], testSecret[:], later[:], testID[:],
		expand(&secret, "key", 16), expand(&secret, "iv", nonceSize), expand(&secret, "hp", 16),
	}
	type holder struct {
		sealer *Sealer
		opener *Opener
		mask   *Mask
	}
	type copies struct {
		Sealer Sealer
		Opener Opener
		Mask   Mask
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("all", "sealer", s, "opener", o, "mask", mask)
	outputs := []string{logged.String()}
	for _, value := range []any{s, o, mask, *s, *o, *mask, holder{s, o, mask}, &holder{s, o, mask}, copies{*s, *o, *mask}, &copies{*s, *o, *mask}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
			outputs = append(outputs, fmt.Sprintf(verb, value))
		}
	}
	for _, output := range outputs {
		for _, key := range private {
			decimal := strings.Trim(fmt.Sprint(key[:6]), "[]")
			for _, form := range []string{string(key[:6]), hex.EncodeToString(key[:6]), strings.ToUpper(hex.EncodeToString(key[:6])), decimal} {
				if strings.Contains(output, form) {
					t.Errorf("printed %q, which holds %x", output, key)
				}
			}
		}
	}
}
