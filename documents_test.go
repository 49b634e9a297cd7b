package mqtte2e

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// maxSpecLine is the length of a line of SPEC.md that is still read with ease
// beside code, in characters.
const maxSpecLine = 119

// keyWord matches what makes a sentence of SPEC.md bind (RFC 2119). A longer word
// contains a shorter one of them.
var keyWord = regexp.MustCompile(`\b(MUST|SHOULD|MAY)\b`)

// A section is a heading of a document and the text up to the next heading.
type section struct{ heading, text string }

// sections returns the parts of a Markdown document, without its code blocks.
func sections(t *testing.T, name string) (list []section) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fenced := false
	for line := range strings.Lines(string(text)) {
		fence := strings.HasPrefix(line, "```")
		fenced = fenced != fence
		switch {
		case fenced || fence:
		case strings.HasPrefix(line, "#"):
			list = append(list, section{heading: strings.TrimSpace(strings.TrimLeft(line, "#"))})
		case len(list) > 0:
			list[len(list)-1].text += line
		}
	}
	return list
}

// files returns the files of the repository whose names end like this, but for
// hidden directories.
func files(t *testing.T, extension string) (names []string) {
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".github"
		switch {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return filepath.SkipDir
		case !entry.IsDir() && filepath.Ext(name) == extension:
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestHeadingsAreUnique(t *testing.T) {
	for _, name := range files(t, ".md") {
		seen := make(map[string]bool)
		for _, s := range sections(t, name) {
			if seen[s.heading] {
				t.Errorf("%s has more than one heading %q", name, s.heading)
			}
			seen[s.heading] = true
		}
	}
}

func TestEverySectionOfTheSpecificationBinds(t *testing.T) {
	for _, s := range sections(t, "SPEC.md") {
		if !keyWord.MatchString(s.text) {
			t.Errorf("SPEC.md, %q, has no MUST, SHOULD or MAY", s.heading)
		}
	}
}

func TestSpecificationHasShortLines(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if n := len([]rune(line)); n > maxSpecLine {
			t.Errorf("SPEC.md:%d has %d characters, want %d at most", i+1, n, maxSpecLine)
		}
	}
}

// hyperlink matches the target of a link in Markdown that is not on the web.
var hyperlink = regexp.MustCompile(`\]\(([^):\s]*)\)`)

func TestLinksLead(t *testing.T) {
	for _, name := range files(t, ".md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range hyperlink.FindAllStringSubmatch(string(text), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			document := name
			if target != "" {
				document = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(document); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s links to %s, which there is not", name, document)
			} else if anchor != "" && !slices.Contains(anchors(t, document), anchor) {
				t.Errorf("%s links to %s, which has no heading for #%s", name, document, anchor)
			}
		}
	}
}

// anchors returns what GitHub calls the headings of a document.
func anchors(t *testing.T, name string) (list []string) {
	for _, s := range sections(t, name) {
		list = append(list, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, s.heading))
	}
	return list
}

// sourceFile matches the name of a source file in backquotes.
var sourceFile = regexp.MustCompile("`([\\w./-]+\\.go)`")

// TestNamedFilesExist keeps the maps of the code true.
func TestNamedFilesExist(t *testing.T) {
	for _, name := range []string{"ARCHITECTURE.md", "DESIGN.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range sourceFile.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(match[1]); err != nil {
				t.Errorf("%s names %s, which there is not", name, match[1])
			}
		}
	}
}
