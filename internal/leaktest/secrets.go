package leaktest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

// Secrets fails the test if printing value shows one of secrets, in any of the
// ways that Shows knows: by itself or inside of something else, with the verbs of
// package fmt, both handlers of log/slog, and encoding/json. %p is left out: it
// prints what is no pointer without asking anybody, and go vet refuses it.
func Secrets(tb testing.TB, value any, secrets ...string) {
	tb.Helper()
	var out bytes.Buffer
	for name, wrapped := range map[string]any{
		"itself": value, "a field": struct{ Field any }{value}, "a slice": []any{value}, "a map": map[string]any{"key": value},
	} {
		out.Reset()
		for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "c", "U", "o", "b", "t", "e"} {
			fmt.Fprintf(&out, "%"+verb+"\n", wrapped)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).With("with", wrapped).Info("message", "value", wrapped, slog.Group("group", "value", wrapped))
		}
		// What does not encode is not printed; the error may be.
		text, err := json.Marshal(wrapped)
		fmt.Fprintf(&out, "%s %v\n", text, err)
		for _, secret := range secrets {
			if Shows(out.String(), secret) {
				tb.Errorf("%T as %s shows %q:\n%s", value, name, secret, out.String())
			}
		}
	}
}

// Shows tells whether text has secret in it: as it is, escaped for a URL, or
// its bytes in hexadecimal, decimal or base64.
func Shows(text, secret string) bool {
	text = strings.ToLower(text)
	raw := []byte(secret)
	numbers := strings.Trim(fmt.Sprint(raw), "[]")
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		hex.EncodeToString(raw), fmt.Sprintf("% x", raw), strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", raw), "[]byte{"), "}"),
		numbers, strings.ReplaceAll(numbers, " ", ","),
		// Without what depends on the bytes that follow.
		base64.RawStdEncoding.EncodeToString(raw[:len(raw)/3*3]), base64.RawURLEncoding.EncodeToString(raw[:len(raw)/3*3]),
	} {
		if strings.Contains(text, strings.ToLower(form)) {
			return true
		}
	}
	return false
}
