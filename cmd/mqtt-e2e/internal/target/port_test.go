package target

import "testing"

func TestParsePort(t *testing.T) {
	for text, want := range map[string]string{
		"8080":               "127.0.0.1:8080",
		"localhost:8080":     "127.0.0.1:8080",
		"*:8080":             "*:8080",
		":8080":              "*:8080",
		"0.0.0.0:0":          "0.0.0.0:0",
		"[::1]:80":           "[::1]:80",
		"[::ffff:1.2.3.4]:5": "1.2.3.4:5",
	} {
		got, err := ParsePort(text)
		if err != nil || got.String() != want {
			t.Errorf("ParsePort(%q) = %v, %v; want %s", text, got, err, want)
		}
		if again, err := ParsePort(got.String()); err != nil || again != got {
			t.Errorf("%v reads as %v, %v", got, again, err)
		}
	}
	for _, text := range []string{"", "x", "65536", "-1", "host:80", "::1:80", "[1.2.3.4]:80", "[::1]", "[::1:80", "1.2.3.4:", "1080:h:1"} {
		if got, err := ParsePort(text); err == nil {
			t.Errorf("ParsePort(%q) = %v, want an error", text, got)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for text, want := range map[string]bool{"1": true, "127.9.9.9:1": true, "[::1]:1": true, "*:1": false, "0.0.0.0:1": false, "192.0.2.1:1": false, "[::]:1": false} {
		a, err := ParsePort(text)
		if err != nil {
			t.Fatal(err)
		}
		if a.IsLoopback() != want {
			t.Errorf("%s: %v", text, a.IsLoopback())
		}
	}
}
