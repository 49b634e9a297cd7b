package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

const (
	// resultsFile has the tables of all kinds of runs, each in a section of its own: one run leaves the others' as they are.
	resultsFile = "results.md"

	// Each section begins with its heading. That of a run without -wan and -paths stands first.
	benchHeading = "# Benchmark"
	wanHeading   = "# Emulated access links"
	pathsHeading = "# Several brokers"
)

// saveSection replaces that section of the file to which the text belongs.
func saveSection(file, text string) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(replaceSection(string(old), text)), 0o644)
}

func replaceSection(old, text string) string {
	var sections []string
	for _, heading := range []string{benchHeading, wanHeading, pathsHeading} {
		section := sectionOf(old, heading)
		if strings.HasPrefix(text, heading+"\n") {
			section = text
		}
		if section = strings.TrimSpace(section); section != "" {
			sections = append(sections, section)
		}
	}
	return strings.Join(sections, "\n\n") + "\n"
}

// sectionOf returns the section with a heading; empty: there is none.
func sectionOf(text, heading string) string {
	_, section, found := strings.Cut("\n"+text, "\n"+heading+"\n")
	if !found {
		return ""
	}
	section, _, _ = strings.Cut(section, "\n# ")
	return heading + "\n" + section
}
