package mqtte2e

import (
	"strings"
	"testing"
)

func TestConfigCredentialsWin(t *testing.T) {
	for _, test := range []struct{ text, user, password, wantUser, wantPassword string }{
		{"mqtt://h", "", "", "", ""},
		{"mqtt://a:b@h", "", "", "a", "b"},
		{"mqtt://a:b@h", "c", "d", "c", "d"},
		{"mqtt://a@h", "", "d", "a", "d"},
		{"mqtt://h", "c", "d", "c", "d"},
		{"mqtt://h", "c", "", "c", ""},
	} {
		a, err := parseAddress(test.text, &settings{username: test.user, password: test.password})
		if err != nil || a.Username != test.wantUser || a.Password != test.wantPassword {
			t.Errorf("%s with %q, %q: %q, %q, %v", test.text, test.user, test.password, a.Username, a.Password, err)
		}
	}
}

func TestCredentialErrors(t *testing.T) {
	long := strings.Repeat("hunter2", 10000)
	for _, test := range []struct{ text, user, password, want string }{
		{"mqtt://h", "", "hunter2", "no user"},
		{"mqtt://h", "hunter2\xff", "", "UTF-8"},
		{"mqtt://hunter2%00@h", "", "", "NUL"},
		{"mqtt://h", long, "", "65535"},
		{"mqtt://h", "u", long, "65535"},
		{"mqtt://u:hunter2@h:0", "", "", "port is 0"},
	} {
		_, err := parseAddress(test.text, &settings{username: test.user, password: test.password})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") || !strings.HasPrefix(err.Error(), "mqtte2e: ") {
			t.Errorf("%s: error %v, want one that contains %q", test.text, err, test.want)
		}
	}
}

func TestParseBroker(t *testing.T) {
	if a, err := parseBroker("wss://u:p@h/m", &settings{}); err != nil || a.Host != "h:443" || a.Path != "/m" || a.Username != "u" {
		t.Errorf("parseBroker = %v, %v", a, err)
	}
	for _, text := range []string{"mqtt://h#", "mqtt://h#name"} {
		if _, err := parseBroker(text, &settings{}); err == nil || !strings.Contains(err.Error(), "Dial or Listen") {
			t.Errorf("parseBroker(%q): %v", text, err)
		}
	}
	if _, err := parseBroker("h:1883", &settings{}); err == nil {
		t.Error("an address without a scheme is accepted")
	}
}
