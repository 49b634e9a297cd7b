package address

import (
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "thermostat": "thermostat", "A.b_C-9": "a.b_c-9", strings.Repeat("Z", MaxName): strings.Repeat("z", MaxName),
	} {
		if got, err := ParseName(text); err != nil || got != want {
			t.Errorf("ParseName(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseNameErrors(t *testing.T) {
	for _, text := range []string{
		" ", "a b", "a/b", "a+b", "a#b", "ä", "\u212a" /* the Kelvin sign, which lower-cases to k */, "a\x00", "name:1", "%41", strings.Repeat("n", MaxName+1),
	} {
		if got, err := ParseName(text); err == nil {
			t.Errorf("ParseName(%q) = %q, want an error", text, got)
		} else if len(text) > 1 && strings.Contains(err.Error(), text) {
			t.Errorf("ParseName(%q): the error repeats the text: %v", text, err)
		}
	}
}
