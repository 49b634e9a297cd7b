package mqtte2e

import (
	"go/parser"
	"go/token"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	// mention matches the name of a document with what follows it, citation what
	// has to follow where a section is meant: the name of exactly one heading.
	mention  = regexp.MustCompile(`((?:[\w-]+/)*[A-Z]+\.md)([ ,(]{1,3}(?:"|[Ss]ection))?`)
	citation = regexp.MustCompile(`^((?:[\w-]+/)*[A-Z]+\.md), "([^"]+)"`)
)

// TestCitationsNameHeadings checks that every section of a document that a
// comment or another document names exists, once.
func TestCitationsNameHeadings(t *testing.T) {
	found := 0
	for _, name := range files(t, ".go") {
		for _, comment := range comments(t, name) {
			found += checkCitations(t, name, comment)
		}
	}
	for _, name := range files(t, ".md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found += checkCitations(t, name, strings.Join(strings.Fields(string(text)), " "))
	}
	if found < 5 {
		t.Fatalf("only %d citations were found", found)
	}
}

// reference matches what a document says of a section of its own.
var reference = regexp.MustCompile(`\b[Ss]ee "([^"]+)"`)

func TestReferencesNameHeadings(t *testing.T) {
	for _, name := range files(t, ".md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, cited := range reference.FindAllStringSubmatch(strings.Join(strings.Fields(string(text)), " "), -1) {
			if n := headings(t, name, cited[1]); n != 1 {
				t.Errorf("%s says see %q, of which there are %d", name, cited[1], n)
			}
		}
	}
}

// headings counts the sections of a document that go by a heading.
func headings(t *testing.T, document, heading string) (n int) {
	for _, s := range sections(t, document) {
		if s.heading == heading {
			n++
		}
	}
	return n
}

// checkCitations checks those in text, which is from the file name, and returns
// how many there were.
func checkCitations(t *testing.T, name, text string) (found int) {
	for _, at := range mention.FindAllStringSubmatchIndex(text, -1) {
		if at[4] >= 0 {
			checkCitation(t, name, text[at[0]:])
			found++
		}
	}
	return found
}

// checkCitation checks the one at the beginning of text.
func checkCitation(t *testing.T, name, text string) {
	cited := citation.FindStringSubmatch(text)
	if cited == nil {
		t.Errorf("%s: write %q as in SPEC.md, \"Envelope\"", name, text[:min(len(text), 60)])
		return
	}
	document, err := nearest(path.Dir(name), cited[1])
	if err != nil {
		t.Errorf("%s cites %s, which there is not", name, cited[1])
		return
	}
	if n := headings(t, document, cited[2]); n != 1 {
		t.Errorf("%s cites %s, %q, of which there are %d", name, document, cited[2], n)
	}
}

// nearest finds a document beside the file that cites it, or else above.
func nearest(directory, document string) (string, error) {
	for {
		name := path.Join(directory, document)
		_, err := os.Stat(name)
		if err == nil || directory == "." {
			return name, err
		}
		directory = path.Dir(directory)
	}
}

// comments returns the comments of a file, each on one line.
func comments(t *testing.T, name string) (list []string) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		list = append(list, strings.Join(strings.Fields(group.Text()), " "))
	}
	return list
}
