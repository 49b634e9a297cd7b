package handshake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
)

// Nothing that holds a secret prints one, by value or by pointer, alone or inside something else.
func TestSecretsDoNotPrint(t *testing.T) {
	root := NewRoot(testKey, "")
	name := root.Name("thermostat")
	initiator, hello := begun(t, name, 70)
	responder, _, err := name.Respond(hello)
	if err != nil {
		t.Fatal(err)
	}
	secrets := Secrets{ToListener: [32]byte{0xaa, 0xbb}}
	for _, v := range []any{root, *root, name, *name, root.InboxKey(), *root.InboxKey(), initiator, *initiator, responder, *responder, secrets, &secrets} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
			for _, wrapped := range []any{v, []any{v}, struct{ Field any }{v}} {
				if text := fmt.Sprintf(verb, wrapped); !bytes.Contains([]byte(text), []byte("(secret)")) || len(text) > 100 {
					t.Errorf("%T with %s prints %q", v, verb, text)
				}
			}
		}
		if text, err := json.Marshal(v); err == nil {
			t.Errorf("%T marshals to %s", v, text)
		}
		checkSlog(t, v)
	}
}

func checkSlog(t *testing.T, v any) {
	t.Helper()
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("m", "v", v)
	}
	for _, secret := range []string{"170 187", "170,187", "aabb", "0xaa", "[0 1 2 3"} {
		if bytes.Contains(out.Bytes(), []byte(secret)) {
			t.Errorf("%T logs as %s", v, out.String())
		}
	}
}
