package mqtte2e

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"
)

// testKey has printable bytes, so that a leak through %s would show as well.
var testKey = Key([]byte("KEYkeyKEYkeyKEY!"))

func TestParseKey(t *testing.T) {
	raw := testKey[:]
	for _, text := range []string{
		testKey.Hex(),
		strings.ToUpper(testKey.Hex()),
		base64.StdEncoding.EncodeToString(raw),
		base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw),
		base64.RawURLEncoding.EncodeToString(raw),
		"\ufeff" + testKey.Hex() + "\r\n",
		" \t" + testKey.Hex() + " ",
		"\n\ufeff " + base64.StdEncoding.EncodeToString(raw) + "\n\n",
	} {
		if got, err := ParseKey(text); err != nil || got != testKey {
			t.Errorf("ParseKey(%q) = %s, %v", text, got.Hex(), err)
		}
	}
}

func TestParseKeyAlphabets(t *testing.T) {
	want := Key{0xfb, 0xff, 0xbf, 0xfb, 0xff, 0xbf, 0xfb, 0xff, 0xbf, 0xfb, 0xff, 0xbf, 0xfb, 0xff, 0xbf, 0xff}
	for _, text := range []string{"+/+/+/+/+/+/+/+/+/+//w==", "+/+/+/+/+/+/+/+/+/+//w", "-_-_-_-_-_-_-_-_-_-__w==", "-_-_-_-_-_-_-_-_-_-__w"} {
		if got, err := ParseKey(text); err != nil || got != want {
			t.Errorf("ParseKey(%q) = %s, %v", text, got.Hex(), err)
		}
	}
}

var badKeys = []string{
	"", " \ufeff\n", "0", "hunter2hunter2", testKey.Hex()[1:], testKey.Hex() + "00", testKey.Hex()[:31] + "g",
	"S0VZa2V5S0VZa2V5S0VZIQ=", "S0VZa2V5S0VZa2V5S0VZIR==", "S0VZa2V5S0VZa2V5S0VZIR", "S0VZa2V5S0VZa2V5S0V-I/", "S0VZa2V5S0VZ\na2V5S0VZIQ=",
	"S0VZa2V5S0VZa2V5S0VZIQAA", testKey.Hex()[:16] + " " + testKey.Hex()[16:],
}

func TestParseKeyErrors(t *testing.T) {
	for _, text := range badKeys {
		key, err := ParseKey(text)
		if err == nil || key != (Key{}) {
			t.Errorf("ParseKey(%q) = %s, %v; want an error", text, key.Hex(), err)
			continue
		}
		if len(text) > 4 && strings.Contains(err.Error(), text) {
			t.Errorf("ParseKey(%q): the error repeats the text: %v", text, err)
		}
	}
}

func TestNewKey(t *testing.T) {
	if a, b := NewKey(), NewKey(); a == b || a == (Key{}) {
		t.Errorf("NewKey returned %s, then %s", a.Hex(), b.Hex())
	}
}

func TestUnmarshalKey(t *testing.T) {
	var value struct{ Key Key }
	if err := json.Unmarshal([]byte(`{"Key":"`+testKey.Hex()+`"}`), &value); err != nil || value.Key != testKey {
		t.Errorf("json.Unmarshal: %v", err)
	}
	before := value.Key
	if err := value.Key.UnmarshalText([]byte("short")); err == nil || value.Key != before {
		t.Errorf("UnmarshalText of a bad text: %v, key changed: %v", err, value.Key != before)
	}
}

// showsKey reports whether text has the key in one of the ways in which fmt,
// json or base64 would write it.
func showsKey(text string) bool {
	raw := testKey[:]
	for _, form := range []string{
		string(raw), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), base64.RawStdEncoding.EncodeToString(raw),
		strings.Trim(fmt.Sprint(raw), "[]"), strings.Trim(fmt.Sprintf("% x", raw), "[]"), "0x4b, 0x45", "75, 69", "75,69", "1001011",
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestShowsKey(t *testing.T) {
	for _, verb := range []string{"%v", "%#v", "%x", "%X", "%s", "% x", "%d", "%b"} {
		if text := fmt.Sprintf(verb, [KeySize]byte(testKey)); !showsKey(text) {
			t.Errorf("the test would miss %s", text)
		}
	}
}

func TestFormatHidesKey(t *testing.T) {
	type outer struct {
		Key     Key
		Pointer *Key
		Config  Config
		Any     any
	}
	nested := outer{testKey, &testKey, Config{Key: testKey, Password: "hunter2"}, testKey}
	for _, value := range []any{testKey, &testKey, nested, &nested, []Key{testKey}, map[Key]Key{testKey: testKey}, [1]*Key{&testKey}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%x", "%X", "% x", "%#x", "%q", "%+q", "%d", "%b", "%o", "%c", "%U", "%e", "%t", "%z", "%10v", "%.2v"} {
			if text := fmt.Sprintf(verb, value); showsKey(text) || strings.Contains(text, "hunter2") {
				t.Errorf("%s of %T shows a secret: %s", verb, value, text)
			}
		}
		if text := fmt.Sprint(value) + fmt.Sprintln(value) + fmt.Errorf("%w", fmt.Errorf("%v", value)).Error(); showsKey(text) {
			t.Errorf("fmt.Sprint of %T shows a key: %s", value, text)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s %x %q %d", testKey, testKey, testKey, testKey, testKey, testKey, testKey); text != strings.TrimSpace(strings.Repeat(testKey.String()+" ", 7)) {
		t.Errorf("the verbs differ: %s", text)
	}
	if testKey.GoString() != testKey.String() {
		t.Error("GoString differs from String")
	}
}

func TestMarshalRefusesKey(t *testing.T) {
	if text, err := testKey.MarshalText(); err == nil || text != nil {
		t.Errorf("MarshalText = %q, %v; want an error", text, err)
	}
	var marshaler encoding.BinaryMarshaler = testKey
	if data, err := marshaler.MarshalBinary(); err == nil || data != nil {
		t.Errorf("MarshalBinary = %x, %v; want an error", data, err)
	}
	for _, value := range []any{testKey, &testKey, struct{ K Key }{testKey}, struct{ K *Key }{&testKey}, []Key{testKey}, map[Key]int{testKey: 1}, Config{Key: testKey}} {
		if text, err := json.Marshal(value); err == nil {
			t.Errorf("json.Marshal of %T = %s", value, text)
		}
		var data bytes.Buffer
		if err := gob.NewEncoder(&data).Encode(value); err == nil || bytes.Contains(data.Bytes(), testKey[:]) {
			t.Errorf("gob of %T = %x, %v", value, data.Bytes(), err)
		}
	}
	if text, err := xml.Marshal(struct{ K Key }{testKey}); err == nil {
		t.Errorf("xml.Marshal = %s", text)
	}
	var out bytes.Buffer
	if err := template.Must(template.New("").Parse("{{.}}")).Execute(&out, testKey); err != nil || showsKey(out.String()) {
		t.Errorf("text/template printed %s, %v", out.String(), err)
	}
}

func TestSlogHidesKey(t *testing.T) {
	config := &Config{Key: testKey, Username: "ulrike77", Password: "hunter2"}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		logger := slog.New(handler(&out))
		logger.Info("m", "key", testKey, "pointer", &testKey, "config", config, "value", *config, "nested", struct{ K Key }{testKey}, "list", []Key{testKey})
		logger.With("key", testKey).WithGroup("g").Info("m", slog.Any("config", config))
		if text := out.String(); showsKey(text) || strings.Contains(text, "hunter2") || strings.Contains(text, "ulrike77") {
			t.Errorf("%s handler shows a secret: %s", name, text)
		}
		if !strings.Contains(out.String(), testKey.String()) {
			t.Errorf("%s handler does not show the fingerprint: %s", name, out.String())
		}
	}
}

func TestFingerprint(t *testing.T) {
	a, b := testKey, testKey
	b[15] ^= 1
	if a.String() == b.String() {
		t.Error("two keys have one fingerprint")
	}
	if len(a.String()) != len("key:")+8 || !strings.HasPrefix(a.String(), "key:") {
		t.Errorf("the fingerprint is %q", a)
	}
}

// FuzzParseKey checks that a text that is accepted has one key, whose Hex reads
// back as the same, and that errors keep the text to themselves.
func FuzzParseKey(f *testing.F) {
	for _, text := range append(badKeys, testKey.Hex(), base64.URLEncoding.EncodeToString(testKey[:]), "\ufeff"+testKey.Hex()) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if err != nil {
			if plain := errors.Unwrap(err); plain != nil {
				t.Fatalf("the error wraps %v", plain)
			}
			if core := strings.TrimSpace(text); len(core) > 12 && strings.Contains(err.Error(), core) {
				t.Fatalf("ParseKey(%q): the error repeats the text: %v", text, err)
			}
			return
		}
		if again, err := ParseKey(key.Hex()); err != nil || again != key {
			t.Fatalf("ParseKey(%q).Hex() reads back as %s, %v", text, again.Hex(), err)
		}
		core := strings.Trim(text, " \t\r\n\v\f\ufeff")
		for _, form := range []string{key.Hex(), base64.StdEncoding.EncodeToString(key[:]), base64.RawStdEncoding.EncodeToString(key[:]), base64.URLEncoding.EncodeToString(key[:]), base64.RawURLEncoding.EncodeToString(key[:])} {
			if core == form || strings.ToLower(core) == form {
				return
			}
		}
		t.Fatalf("ParseKey accepts %q, which is no canonical form of its key", text)
	})
}
