package mqtte2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// harmless lists types without a text of their own for logs, none of which can
// hold a secret.
var harmless = []string{"net.Addr", "error", "context.Context", module + "/cmd/mqtt-e2e/internal/target.Endpoint", "[]any"}

// compiled is what the go command knows of a package.
type compiled struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// TestLogCallsTakeWhatPrintsItself checks the type of everything that the
// library and the command hand to a logger: numbers, strings and errors, or a
// type that says what is printed of it, whichever handler prints.
func TestLogCallsTakeWhatPrintsItself(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles everything")
	}
	all := listCompiled(t)
	files := token.NewFileSet()
	load := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		if p := all[path]; p != nil && p.Export != "" {
			return os.Open(p.Export)
		}
		return nil, errors.New("no export data for " + path)
	})
	calls := 0
	for path, p := range all {
		directory, ours := strings.CutPrefix(path, module)
		if ours && !slices.Contains(testOnly, strings.TrimPrefix(directory, "/")) {
			calls += checkLogCalls(t, files, load, p)
		}
	}
	if calls < 50 {
		t.Errorf("only %d calls of loggers were found", calls)
	}
}

// checkLogCalls checks a package and returns how many calls it has.
func checkLogCalls(t *testing.T, files *token.FileSet, load types.Importer, p *compiled) (calls int) {
	var parsed []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object)}
	if _, err := (&types.Config{Importer: load}).Check(p.ImportPath, files, parsed, info); err != nil {
		t.Fatal(err)
	}
	for _, file := range parsed {
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok || !isLogCall(info, call) {
				return true
			}
			calls++
			for _, argument := range call.Args {
				if kind := info.Types[argument].Type; !printsItself(kind) {
					t.Errorf("%s: %s says nothing of how it is printed", files.Position(argument.Pos()), kind)
				}
			}
			return true
		})
	}
	return calls
}

// listCompiled compiles the module's packages and what they import.
func listCompiled(t *testing.T) map[string]*compiled {
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./...")
	var complaints bytes.Buffer
	list.Stderr = &complaints
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", list, err, &complaints)
	}
	all := make(map[string]*compiled)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(compiled)
		if err := decoder.Decode(p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// isLogCall recognises the methods of slog.Logger, what makes attributes, and
// the command's ui.Status.
func isLogCall(info *types.Info, call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	function, ok := info.Uses[selector.Sel].(*types.Func)
	if !ok || function.Pkg() == nil {
		return false
	}
	receiver := function.Signature().Recv()
	switch function.Pkg().Path() {
	case "log/slog":
		return receiver != nil && strings.HasSuffix(receiver.Type().String(), "slog.Logger") && selector.Sel.Name != "Handler" ||
			receiver == nil && (selector.Sel.Name == "Any" || selector.Sel.Name == "Group")
	case module + "/cmd/mqtt-e2e/internal/ui":
		return receiver != nil && strings.HasSuffix(receiver.Type().String(), "ui.Status")
	}
	return false
}

// printsItself tells whether a handler prints nothing of a type that the type
// did not choose.
func printsItself(kind types.Type) bool {
	if _, basic := kind.Underlying().(*types.Basic); basic {
		return true
	}
	for _, name := range harmless {
		if kind.String() == name {
			return true
		}
	}
	for _, method := range []string{"LogValue", "MarshalText"} {
		if object, _, _ := types.LookupFieldOrMethod(kind, true, nil, method); object != nil {
			return true
		}
	}
	return false
}
