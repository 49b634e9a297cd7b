package mqtte2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLocksAreInTheLockOrder compares the table in ARCHITECTURE.md, "Locks", with
// the code, both ways: a lock that nobody placed in the order is one that can
// deadlock.
func TestLocksAreInTheLockOrder(t *testing.T) {
	ordered, actual := orderedLocks(t), make(map[string]bool)
	for directory := range packages(t) {
		if !slices.Contains(testOnly, directory) {
			for _, lock := range locks(t, directory) {
				actual[directory+" "+lock] = true
			}
		}
	}
	if len(actual) < 10 {
		t.Fatalf("only %d locks were found", len(actual))
	}
	for _, lock := range slices.Sorted(maps.Keys(actual)) {
		if !ordered[lock] {
			t.Errorf("ARCHITECTURE.md, %q, lacks %s", "Locks", lock)
		}
	}
	for _, lock := range slices.Sorted(maps.Keys(ordered)) {
		if !actual[lock] {
			t.Errorf("ARCHITECTURE.md, %q, has %s, which there is not", "Locks", lock)
		}
	}
}

// quoted matches what stands in backquotes.
var quoted = regexp.MustCompile("`([^`]+)`")

// orderedLocks reads the table. Its first column has a package, its second the
// package's locks, both in backquotes.
func orderedLocks(t *testing.T) map[string]bool {
	found := make(map[string]bool)
	for _, s := range sections(t, "ARCHITECTURE.md") {
		if s.heading != "Locks" {
			continue
		}
		for line := range strings.Lines(s.text) {
			cells := strings.Split(line, "|")
			if len(cells) < 3 || !strings.Contains(cells[1], "`") {
				continue
			}
			directory := quoted.FindStringSubmatch(cells[1])[1]
			for _, lock := range quoted.FindAllStringSubmatch(cells[2], -1) {
				found[directory+" "+lock[1]] = true
			}
		}
	}
	return found
}

// locks returns the mutexes of a package: fields as Type.field, variables by
// their names.
func locks(t *testing.T, directory string) (list []string) {
	names, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path.Base(name), text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.TypeSpec:
				list = append(list, locksOf(n.Name.Name, n.Type)...)
				return false
			case *ast.ValueSpec:
				for _, variable := range n.Names {
					list = append(list, locksOf(variable.Name, n.Type)...)
				}
			}
			return true
		})
	}
	return list
}

// locksOf returns the mutexes in what has this name and type.
func locksOf(name string, of ast.Expr) (list []string) {
	switch of := of.(type) {
	case *ast.StarExpr:
		return locksOf(name, of.X)
	case *ast.SelectorExpr:
		if of.Sel.Name == "Mutex" || of.Sel.Name == "RWMutex" {
			return []string{name}
		}
	case *ast.StructType:
		for _, field := range of.Fields.List {
			if len(field.Names) == 0 {
				list = append(list, locksOf(name+".Mutex", field.Type)...)
			}
			for _, inner := range field.Names {
				list = append(list, locksOf(name+"."+inner.Name, field.Type)...)
			}
		}
	}
	return list
}
