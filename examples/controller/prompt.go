package main

import (
	"bufio"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// A prompt is where commands come from and where everything is printed.
type prompt interface {
	io.Writer
	ReadLine() (string, error) // io.EOF at the end
	Interactive() bool
}

// newPrompt makes a prompt with history and line editing if in is a terminal. restore must be called at the end.
func newPrompt(in, out *os.File) (p prompt, restore func(), err error) {
	if !term.IsTerminal(int(in.Fd())) {
		return &plainPrompt{bufio.NewScanner(in), out}, func() {}, nil
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, nil, err
	}
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "> ")
	return terminalPrompt{terminal}, func() { term.Restore(int(in.Fd()), state) }, nil
}

// terminalPrompt prints above the line that is being typed.
type terminalPrompt struct{ *term.Terminal }

func (terminalPrompt) Interactive() bool { return true }

func (p terminalPrompt) ReadLine() (string, error) {
	line, err := p.Terminal.ReadLine()
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil // a pasted line is as good as a typed one
	}
	return line, err
}

// plainPrompt reads a file or a pipe.
type plainPrompt struct {
	lines *bufio.Scanner
	io.Writer
}

func (p *plainPrompt) ReadLine() (string, error) {
	if !p.lines.Scan() {
		return "", errors.Join(p.lines.Err(), io.EOF)
	}
	return p.lines.Text(), nil
}

func (p *plainPrompt) Interactive() bool { return false }
