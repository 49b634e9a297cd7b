package secrets

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
)

func TestWriteKeyIsReadBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "new", "key")
	key := mqtte2e.NewKey()
	if err := WriteKey(name, key); err != nil {
		t.Fatal(err)
	}
	sources, err := Keys([]string{name})
	if err != nil || len(sources) != 1 || sources[0] != (Source{Key: key, File: name}) {
		t.Errorf("read %v, %v", sources, err)
	}
	if err := WriteKey(name, mqtte2e.NewKey()); err == nil {
		t.Error("the file was overwritten")
	}
}

// TestErrorsHoldNoSecret checks every error that has a secret at hand.
func TestErrorsHoldNoSecret(t *testing.T) {
	const secret = "hunter2hunter2hunter2"
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("the error is %v", err)
		}
	}
	_, err := Keys([]string{file})
	check(err)
	t.Setenv(KeyVariable, secret)
	_, err = Keys(nil)
	check(err)
	t.Setenv(KeyFileVariable, file)
	_, err = Keys(nil)
	check(err)
	if err := os.Chmod(file, 0o644); err != nil || runtime.GOOS == "windows" {
		t.Skip("modes say nothing here")
	}
	_, err = Password(file)
	check(err)
}

func TestPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	for content, want := range map[string]string{"pass\n": "pass", "pass\r\n": "pass", " p w ": " p w ", "two\nlines\n": "two\nlines"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Password(file); err != nil || got != want {
			t.Errorf("Password of %q is %q, %v", content, got, err)
		}
	}
	for _, content := range []string{"", "\n", strings.Repeat("x", maxFile+1)} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Password(file); err == nil {
			t.Errorf("Password accepts a file of %d bytes", len(content))
		}
	}
}

func TestManaged(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/unit")
	for name, want := range map[string]bool{
		"/run/credentials/unit/key":    true,
		"/run/secrets/key":             true,
		"/run/credentials/unit/../key": false,
		"/run/credentials/unit2/key":   false,
		"/run/secrets/../../home/key":  false,
		"/home/run/secrets/key":        false,
	} {
		if runtime.GOOS != "windows" && managed(name) != want {
			t.Errorf("managed(%q) = %v", name, !want)
		}
	}
}
