package ui

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether a person reads, or types into, file.
func IsTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// A terminal may be in raw mode, in which ssh puts the one that it shares with its
// ProxyCommand: a line feed does not return the cursor there.
type terminal struct{ file *os.File }

// Write implements io.Writer.
func (t terminal) Write(text []byte) (int, error) {
	if !isRaw(int(t.file.Fd())) {
		return t.file.Write(text)
	}
	if _, err := t.file.Write(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// TellInSession writes a line of its own on a terminal that somebody else uses, so
// that the cursor may be anywhere.
func TellInSession(file *os.File, text string) { fmt.Fprintf(terminal{file}, "\nmqtt-e2e: %s\n", text) }
