package mqtte2e

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestExamplesCompileElsewhere copies the examples out of the repository, as
// who begins with one does, and compiles them.
func TestExamplesCompileElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles much")
	}
	elsewhere := t.TempDir()
	copyPrograms(t, "examples", elsewhere)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	// Its requirements are ours, so that nothing need be looked up.
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod = bytes.Replace(mod, []byte("module "+module), []byte("module elsewhere.example"), 1)
	mod = append(mod, "\nrequire "+module+" v0.0.0\nreplace "+module+" => "+strconv.Quote(filepath.ToSlash(here))+"\n"...)
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(elsewhere, "go.mod"), mod)
	write(t, filepath.Join(elsewhere, "go.sum"), sum)
	cmd := exec.Command("go", "build", "./...")
	cmd.Dir = elsewhere
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}

// copyPrograms copies the Go files of a directory but the tests, which use what
// this module keeps to itself.
func copyPrograms(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		content, err := os.ReadFile(name)
		write(t, filepath.Join(to, name), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
