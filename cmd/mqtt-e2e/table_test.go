package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// elsewhere are the errors that the table cannot have, and why.
var elsewhere = map[string]string{
	"interrupted":                "is not told",
	"standard output was closed": "is not told",
	"--import would show the key on the terminal: write it to a file with -o FILE": "needs a terminal",
	"reading standard input: %w":                                "needs an input that fails",
	"writing standard output: %w":                               "needs an output that fails",
	"there is no key: it was interrupted before one was pasted": "needs a terminal",
	"it was closed again":                                       "needs a session that ends at one end",
	"the listener was reached and did not answer the request in time: check its target, or give more time":             "needs a target that neither answers nor refuses",
	"the message may be lost: the connection to the broker broke as it was sent: check the network, and send it again": "needs a broker that dies in time",
	"the message was not sent in time: check the network, or give a longer --timeout":                                  "needs a network that stalls in time",
	"the listener ended the measurement early":                                                                         "needs a listener that breaks the protocol",
	"waiting for what the listener has received: %w":                                                                   "needs a listener that breaks the protocol",
	"the listener received %d bytes of %d":                                                                             "needs a listener that breaks the protocol",
	"the peer's header breaks the protocol mqtt-e2e/1":                                                                 "needs a peer that breaks the protocol",
	"%w: the text has %d bytes, or characters that cannot be printed":                                                  "needs a peer that breaks the protocol",
	"%w: a text of %d bytes":            "needs a peer that breaks the protocol",
	"%w: a text that cannot be printed": "needs a peer that breaks the protocol",
	"belongs to another user (uid %d), who can change it: use a copy that is yours or root's":                                  "needs a second user",
	"can be changed by other users (mode %04o): run  chmod go-w %s  as root":                                                   "needs a second user",
	"--max-streams is %d, and this process may open files for %d only: raise its limit, with ulimit -n or LimitNOFILE=, to %d": "depends on the limit of the system",
	"a request of kind %d is unknown here":                                                                                     "needs a newer peer",
}

// verb matches a verb of package fmt.
var verb = regexp.MustCompile(`%[-+#0-9.]*(\[\d\])?[a-zA-Z]`)

// TestTableIsComplete checks that the text of every error that the command makes
// stands in the table, or has a reason not to.
func TestTableIsComplete(t *testing.T) {
	table := readTable(t)
	for text, where := range errorTexts(t) {
		if _, known := elsewhere[text]; known {
			delete(elsewhere, text)
			continue
		}
		for _, part := range verb.Split(text, -1) {
			if !strings.Contains(table, part) {
				t.Errorf("%s: the table has no %q", where, text)
				break
			}
		}
	}
	for text := range elsewhere {
		t.Errorf("nothing says %q any more", text)
	}
}

// notForPeople matches what only readers of Go's or the library's sources know.
var notForPeople = regexp.MustCompile(`Config\.|Endpoint|mqtte2e: |mux: |message: |strconv|arg\(s\)|(dial|read|write|listen) tcp|context |EOF|x509|tls: |CONNECT\b`)

// TestTableIsForPeople checks that no line that the command says speaks Go.
func TestTableIsForPeople(t *testing.T) {
	for line := range strings.Lines(readTable(t)) {
		says := strings.HasPrefix(line, "says ") || strings.HasPrefix(line, "tells ") || strings.HasPrefix(line, "wait-for ")
		if said := notForPeople.FindString(line); says && said != "" {
			t.Errorf("%q in: %s", said, line)
		}
	}
}

func readTable(t *testing.T) string {
	names, err := filepath.Glob("testdata/errors/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no table: %v", err)
	}
	var table strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		table.Write(content)
	}
	return strings.ReplaceAll(table.String(), "''", "'")
}

// errorTexts returns the formats of all errors that the command's own packages
// make, with the place of each.
func errorTexts(t *testing.T) map[string]string {
	texts := make(map[string]string)
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok {
				if text, ok := errorText(call); ok {
					texts[text] = files.Position(call.Pos()).String()
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// errorText returns the first literal among the arguments of a call that makes
// an error.
func errorText(call *ast.CallExpr) (string, bool) {
	switch name := callee(call); name {
	case "usagef", "errors.New", "fmt.Errorf", "ui.Wrap", "Wrap":
	default:
		return "", false
	}
	for _, argument := range call.Args {
		if literal, ok := argument.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			return text, err == nil
		}
	}
	return "", false
}

func callee(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		if pkg, ok := function.X.(*ast.Ident); ok {
			return pkg.Name + "." + function.Sel.Name
		}
	}
	return ""
}
