package mqtte2e

import (
	"strings"
	"testing"
)

func TestParseAddressAddsCredentials(t *testing.T) {
	a, err := parseAddress("mqtt://a:b@h#name", &Config{Username: "c", Password: "d"})
	if err != nil || a.Username != "c" || a.Password != "d" || a.Name != "name" {
		t.Errorf("parseAddress = %v, %v", a, err)
	}
	for _, text := range []string{"mqtt://u:hunter2@h:0", "mqtt://h"} {
		_, err := parseAddress(text, &Config{Password: "hunter2"})
		if err == nil || !strings.HasPrefix(err.Error(), "mqtte2e: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestParseBroker(t *testing.T) {
	if a, err := parseBroker("wss://u:p@h/m", &Config{}); err != nil || a.Host != "h:443" || a.Path != "/m" || a.Username != "u" {
		t.Errorf("parseBroker = %v, %v", a, err)
	}
	for _, text := range []string{"mqtt://h#", "mqtt://h#name"} {
		if _, err := parseBroker(text, &Config{}); err == nil || !strings.Contains(err.Error(), "Dial or Listen") {
			t.Errorf("parseBroker(%q): %v", text, err)
		}
	}
	if _, err := parseBroker("h:1883", &Config{}); err == nil {
		t.Error("an address without a scheme is accepted")
	}
}
