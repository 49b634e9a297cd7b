package secrets

import (
	"io/fs"
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

func TestCheckAccess(t *testing.T) {
	const root, me, other = 0, 1000, 1001
	for _, test := range []struct {
		mode        fs.FileMode
		owner, user int
		want        string // in the error; empty: none
	}{
		{0o600, me, me, ""},
		{0o400, me, me, ""},
		{0o640, me, me, "chmod 600"},
		{0o604, me, me, "chmod 600"},
		{0o620, me, me, "chmod 600"},
		{0o602, me, me, "chmod 600"},
		{0o600, root, root, ""},
		{0o644, root, root, "chmod 600"},
		{0o440, root, me, ""},
		{0o644, root, me, ""},
		{0o660, root, me, "chmod go-w"},
		{0o606, root, me, "chmod go-w"},
		{0o600, other, me, "uid 1001"},
		{0o444, other, me, "uid 1001"},
		{0o600, other, root, "uid 1001"},
	} {
		err := checkAccess("the file", test.mode, test.owner, test.user)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// TestFileOfAnotherUser has a file that nobody else can read, but its owner can
// change.
func TestFileOfAnotherUser(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 || os.Chown(file, 1001, -1) != nil {
		t.Skip("only root can give files away")
	}
	if _, err := ReadFile("the file", file); err == nil || !strings.Contains(err.Error(), "uid 1001") {
		t.Errorf("ReadFile: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(file))
	if _, err := ReadFile("the file", file); err != nil {
		t.Errorf("ReadFile of a credential: %v", err)
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
