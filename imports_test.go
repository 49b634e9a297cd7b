package mqtte2e

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mqtt-e2e/mqtte2e"

// layers says what each package may import besides the standard library:
// packages of this module by their directory, others by module path.
var layers = map[string][]string{
	"internal/setting":   {},
	"internal/address":   {"internal/setting"},
	"internal/wire":      {},
	"internal/record":    {},
	"internal/handshake": {"github.com/flynn/noise", "golang.org/x/crypto"},
	"internal/wsconn":    {"github.com/gorilla/websocket"},
	"internal/link":      {"internal/address", "internal/wsconn", "github.com/eclipse/paho.mqtt.golang", "github.com/gorilla/websocket", "golang.org/x/net", "golang.org/x/sys"},
	"internal/broker":    {"internal/wsconn", "github.com/mochi-mqtt/server/v2", "github.com/gorilla/websocket"},
	"internal/stream":    {"internal/wire"},
	"internal/life":      {"internal/stream"},
	"internal/path":      {"internal/stream"},
	"internal/conn":      {"internal/life", "internal/path", "internal/stream", "internal/record", "internal/wire", "internal/setting"},
	"internal/engine":    {"internal/conn", "internal/life", "internal/path", "internal/stream", "internal/record", "internal/handshake", "internal/link", "internal/address", "internal/setting"},
	".":                  {"internal/engine", "internal/link", "internal/handshake", "internal/address", "internal/setting"},
	"mux":                {".", "internal/address", "github.com/hashicorp/yamux"},
	"message":            {".", "internal/link", "internal/address", "internal/setting", "github.com/beevik/ntp"},
	"mqtttest":           {"internal/broker"},
}

// testOnly lists the packages that nothing but tests and each other may
// import. They may import anything.
var testOnly = []string{"internal/leaktest", "internal/simtest"}

// programs lists the directories of programs, which may import anything that
// is not in testOnly; but examples what their readers may import, too.
var programs = []string{"cmd", "examples"}

// source is what the checks need to know of one package.
type source struct {
	comments int               // files with a package comment
	imports  map[string]string // imported path to one file that imports it
}

// packages parses every package of the module, by directory, without tests.
func packages(t *testing.T) map[string]*source {
	found := make(map[string]*source)
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && !inModule(name) {
			return filepath.SkipDir
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		directory := filepath.ToSlash(filepath.Dir(name))
		if found[directory] == nil {
			found[directory] = &source{imports: make(map[string]string)}
		}
		found[directory].add(name, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// inModule reports whether a directory may hold packages of this module.
func inModule(directory string) bool {
	base := filepath.Base(directory)
	_, err := os.Stat(filepath.Join(directory, "go.mod"))
	return !strings.HasPrefix(base, ".") && base != "testdata" && errors.Is(err, fs.ErrNotExist)
}

func (s *source) add(name string, file *ast.File) {
	if file.Doc != nil {
		s.comments++
	}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		s.imports[imported] = name
	}
}

// local returns the directory of a package of this module.
func local(imported string) (directory string, ok bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func program(directory string) bool {
	first, _, _ := strings.Cut(directory, "/")
	return slices.Contains(programs, first)
}

func example(directory string) bool { return strings.HasPrefix(directory, "examples/") }

// allowed reports whether the package in directory may import imported.
func allowed(directory, imported string) bool {
	target, ours := local(imported)
	switch {
	case standard(imported), slices.Contains(testOnly, directory):
		return true
	case ours && slices.Contains(testOnly, target):
		return false
	case ours && example(directory):
		return !strings.HasPrefix(target, "internal/")
	case program(directory):
		return true
	case ours:
		return slices.Contains(layers[directory], target)
	}
	return slices.ContainsFunc(layers[directory], func(entry string) bool {
		return imported == entry || strings.HasPrefix(imported, entry+"/")
	})
}

func TestImports(t *testing.T) {
	for directory, source := range packages(t) {
		if _, ok := layers[directory]; !ok && !program(directory) && !slices.Contains(testOnly, directory) {
			t.Errorf("package %s has no layer: add it to the table in imports_test.go", directory)
			continue
		}
		for imported, file := range source.imports {
			if !allowed(directory, imported) {
				t.Errorf("%s imports %s, which package %s may not", file, imported, directory)
			}
		}
	}
}

// TestLayersPointDownwards checks that the table has no cycles: each package
// stands after everything that it may import.
func TestLayersPointDownwards(t *testing.T) {
	var visit func(directory string, above []string)
	visit = func(directory string, above []string) {
		if slices.Contains(above, directory) {
			t.Fatalf("the layers form a circle: %s", strings.Join(append(above, directory), " -> "))
		}
		for _, entry := range layers[directory] {
			visit(entry, append(above, directory))
		}
	}
	for directory := range layers {
		visit(directory, nil)
	}
}

func TestOnePackageComment(t *testing.T) {
	for directory, source := range packages(t) {
		if source.comments != 1 {
			t.Errorf("package %s has %d package comments, want 1", directory, source.comments)
		}
	}
}
