package ui

import (
	"fmt"
	"io"
	"os"
)

// A Progress draws one line over itself. The nil Progress draws nothing.
type Progress struct{ out io.Writer }

// NewProgress returns a Progress on file if that is a terminal, else nil.
func NewProgress(file *os.File) *Progress {
	if !IsTerminal(file) {
		return nil
	}
	return &Progress{file}
}

// Show replaces the line.
func (p *Progress) Show(format string, args ...any) {
	if p != nil {
		// ESC [ K erases what a longer line left (ECMA-48, EL).
		fmt.Fprintf(p.out, "\r\x1b[K"+format, args...)
	}
}

// Clear takes the line away.
func (p *Progress) Clear() { p.Show("") }
