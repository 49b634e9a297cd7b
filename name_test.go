package mqtte2e

import (
	"strings"
	"testing"
)

func TestParseNameQuotes(t *testing.T) {
	if name, err := parseName("Thermo.1_a-B"); err != nil || name != "thermo.1_a-b" {
		t.Errorf("parseName = %q, %v", name, err)
	}
	if _, err := parseName("a b"); err == nil || !strings.Contains(err.Error(), `"a b"`) {
		t.Errorf("parseName of a bad name: %v", err)
	}
}

func TestParseNetwork(t *testing.T) {
	for _, test := range []struct{ network, address, want string }{
		{"tcp", "thermostat:80", "thermostat"},
		{"tcp4", "Thermostat", "thermostat"},
		{"tcp6", "a.b:443", "a.b"},
		{"tcp", ":80", ""},
		{"tcp", "", ""},
		{"tcp", "name:", "name"},
	} {
		if name, err := parseNetwork(test.network, test.address); err != nil || name != test.want {
			t.Errorf("parseNetwork(%q, %q) = %q, %v", test.network, test.address, name, err)
		}
	}
	for _, test := range []struct{ network, address, want string }{
		{"udp", "thermostat:80", "use tcp"},
		{"", "thermostat", "use tcp"},
		{"tcp", "a:b:c", "neither a name nor name:port"},
		{"tcp", "[::1]:80", "is not a name"},
		{"tcp", "a b:80", "is not a name"},
	} {
		if _, err := parseNetwork(test.network, test.address); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("parseNetwork(%q, %q): %v, want %q", test.network, test.address, err, test.want)
		}
	}
}
