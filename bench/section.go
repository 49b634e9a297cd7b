package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

const (
	// resultsFile has the tables of both kinds of run, each in a section of its own: one run leaves the other's as it is.
	resultsFile = "results.md"

	// wanHeading begins the second section.
	wanHeading = "# Emulated access links"
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
	first, second := old, ""
	if i := strings.Index(old, wanHeading); i >= 0 {
		first, second = old[:i], old[i:]
	}
	if strings.HasPrefix(text, wanHeading) {
		second = text
	} else {
		first = text
	}
	sections := []string{strings.TrimSpace(first), strings.TrimSpace(second)}
	return strings.TrimSpace(strings.Join(sections, "\n\n")) + "\n"
}
