package target

import (
	"strings"
	"testing"
)

func TestParseLocal(t *testing.T) {
	for text, want := range map[string]string{
		"8080":                    "127.0.0.1:8080 -> the default target",
		"127.0.0.2:8080":          "127.0.0.2:8080 -> the default target",
		"*:8080":                  "*:8080 -> the default target",
		":8080":                   "*:8080 -> the default target",
		"[::1]:8080":              "[::1]:8080 -> the default target",
		"8080:web":                "127.0.0.1:8080 -> service web",
		"localhost:8080:web":      "127.0.0.1:8080 -> service web",
		"[::1]:8080:web":          "[::1]:8080 -> service web",
		"8080:host:22":            "127.0.0.1:8080 -> host:22",
		"8080:10.0.0.1:22":        "127.0.0.1:8080 -> 10.0.0.1:22",
		"8080:[::1]:22":           "127.0.0.1:8080 -> [::1]:22",
		"0.0.0.0:8080:host:22":    "0.0.0.0:8080 -> host:22",
		"[::1]:8080:[fd00::1]:22": "[::1]:8080 -> [fd00::1]:22",
		"0:host:22":               "127.0.0.1:0 -> host:22",
	} {
		got, err := ParseLocal(text)
		if err != nil || got.Bind.String()+" -> "+got.String() != want {
			t.Errorf("-L %s: %v -> %v, %v; want %s", text, got.Bind, got, err, want)
		}
	}
	for _, text := range []string{
		"", "x", "70000", "-1", ":", "8080:", ":8080:", "8080::", "8080::22", "8080:host:0", "8080:host:", "8080:host:70000", "host:8080", "host:8080:web", "1:2:3",
		"8080:a:b:c", "1.2.3.4:8080:a:b:c", "[::1:8080", "[::1]8080", "[host]:8080", "::1:8080:host:22", "8080:[::1]", "8080:WEB", "8080:a b", "8080:[::1]:22x", "8080:two:parts:22",
	} {
		if got, err := ParseLocal(text); err == nil {
			t.Errorf("-L %s: %v -> %v, want an error", text, got.Bind, got)
		}
	}
}

func TestParseRemote(t *testing.T) {
	for text, want := range map[string]string{
		"9000:localhost:3000":   "127.0.0.1:9000 -> localhost:3000",
		"*:9000:10.0.0.1:3000":  "*:9000 -> 10.0.0.1:3000",
		"[::1]:9000:[::1]:3000": "[::1]:9000 -> [::1]:3000",
	} {
		got, err := ParseRemote(text)
		if err != nil || got.Bind.String()+" -> "+got.Target.String() != want {
			t.Errorf("-R %s: %v -> %v, %v; want %s", text, got.Bind, got.Target, err, want)
		}
	}
	for _, text := range []string{"", "9000", "9000:3000", "9000:web", "host:9000:h:1", "9000:h:0", "9000:h:1:2", "*:9000:h:1:2", "9000:h"} {
		if got, err := ParseRemote(text); err == nil {
			t.Errorf("-R %s: %v, want an error", text, got)
		}
	}
}

// FuzzForwards checks that no text makes a parser panic, and that what -L
// accepts names a port.
func FuzzForwards(f *testing.F) {
	for _, seed := range []string{"8080", "8080:web", "[::1]:8080:[::1]:22", "a:b:c:d", "[", "]:", "::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ParseRemote(text)
		ParsePort(text)
		local, err := ParseLocal(text)
		if err == nil && !strings.ContainsAny(text, "0123456789") {
			t.Fatalf("%q reads as %+v", text, local)
		}
	})
}
