package mqtte2e

import (
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

func TestParseAddressAddsCredentials(t *testing.T) {
	a, err := parseAddress("mqtt://a:b@h#name", &Config{Username: "c", Password: "d"})
	if err != nil || a.Brokers[0].Username != "c" || a.Brokers[0].Password != "d" || a.Name != "name" {
		t.Errorf("parseAddress = %v, %v", a, err)
	}
	a, err = parseAddress("mqtt://a:b@h,mqtt://i#name", &Config{Username: "c", Password: "d"})
	if err != nil || a.Brokers[0].Username != "a" || a.Brokers[1].Username != "c" || a.Brokers[1].Password != "d" {
		t.Errorf("parseAddress of two brokers = %v, %v", a, err)
	}
	for _, text := range []string{"mqtt://u:hunter2@h:0", "mqtt://h"} {
		_, err := parseAddress(text, &Config{Password: "hunter2"})
		if err == nil || !strings.HasPrefix(err.Error(), "mqtte2e: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestParseBroker(t *testing.T) {
	want := address.Broker{Scheme: "wss", Host: "h:443", Path: "/m", Username: "u", Password: "p"}
	if a, err := parseBroker("mqtt://g,wss://u:p@h/m", &Config{}); err != nil || len(a.Brokers) != 2 || a.Brokers[1] != want {
		t.Errorf("parseBroker = %v, %v", a, err)
	}
	for _, text := range []string{"mqtt://h#", "mqtt://h#name", "mqtt://h,mqtt://i#name"} {
		if _, err := parseBroker(text, &Config{}); err == nil || !strings.Contains(err.Error(), "Dial or Listen") {
			t.Errorf("parseBroker(%q): %v", text, err)
		}
	}
	if _, err := parseBroker("h:1883", &Config{}); err == nil {
		t.Error("an address without a scheme is accepted")
	}
}
