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

func TestQuoteName(t *testing.T) {
	if name, err := QuoteName("Thermo.1_a-B"); err != nil || name != "thermo.1_a-b" {
		t.Errorf("QuoteName = %q, %v", name, err)
	}
	if _, err := QuoteName("a b"); err == nil || !strings.Contains(err.Error(), `"a b"`) {
		t.Errorf("QuoteName of a bad name: %v", err)
	}
}

func TestDialName(t *testing.T) {
	for _, test := range []struct{ network, address, want string }{
		{"tcp", "thermostat:80", "thermostat"},
		{"tcp4", "Thermostat", "thermostat"},
		{"tcp6", "a.b:443", "a.b"},
		{"tcp", ":80", ""},
		{"tcp", "", ""},
		{"tcp", "name:", "name"},
	} {
		if name, err := DialName(test.network, test.address); err != nil || name != test.want {
			t.Errorf("DialName(%q, %q) = %q, %v", test.network, test.address, name, err)
		}
	}
	for _, test := range []struct{ network, address, want string }{
		{"udp", "thermostat:80", "use tcp"},
		{"", "thermostat", "use tcp"},
		{"tcp", "a:b:c", "neither a name nor name:port"},
		{"tcp", "[::1]:80", "is not a name"},
		{"tcp", "a b:80", "is not a name"},
	} {
		if _, err := DialName(test.network, test.address); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("DialName(%q, %q): %v, want %q", test.network, test.address, err, test.want)
		}
	}
}
