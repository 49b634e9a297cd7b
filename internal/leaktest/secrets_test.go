package leaktest

import (
	"fmt"
	"testing"
)

func TestShows(t *testing.T) {
	const secret = "hunter2/±Q"
	for _, verb := range []string{"%s", "%q", "%x", "%X", "% x", "%v", "%d"} {
		var value any = secret
		if verb == "%v" || verb == "%d" {
			value = []byte(secret)
		}
		if text := fmt.Sprintf("before "+verb+" behind", value); !Shows(text, secret) {
			t.Errorf("%s is not found in %q", secret, text)
		}
	}
	for _, text := range []string{"hunter2%2F%C2%B1Q", `[]byte{0x68, 0x75, 0x6e, 0x74, 0x65, 0x72, 0x32, 0x2f, 0xc2, 0xb1, 0x51}`, "aHVudGVyMi/CsVE="} {
		if !Shows(text, secret) {
			t.Errorf("%s is not found in %q", secret, text)
		}
	}
	if Shows("hunter3", secret) {
		t.Error("found where it is not")
	}
}

// recorder takes the place of a test that is meant to fail.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestSecrets(t *testing.T) {
	for _, value := range []any{"hunter2", struct{ A, B string }{"a", "hunter2"}, []byte("hunter2")} {
		r := &recorder{TB: t}
		if Secrets(r, value, "hunter2"); !r.failed {
			t.Errorf("nothing said of %v", value)
		}
	}
	Secrets(t, "hunter3", "hunter2")
}
