package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// maxLine bounds the pasted line, bytes; a key has 32, and space may be around.
const maxLine = 4096

// errNotPasted is no clean end, as a signal's is elsewhere: a script would take
// that for a key that is there.
var errNotPasted = errors.New("there is no key: it was interrupted before one was pasted")

// readSecretLine reads a line of standard input, without echo on a terminal,
// until the context ends.
func readSecretLine(ctx context.Context) (string, error) {
	read := readLine
	if terminal := int(os.Stdin.Fd()); ui.IsTerminal(os.Stdin) {
		before, err := term.GetState(terminal)
		if err != nil {
			return "", err
		}
		fmt.Fprint(os.Stderr, "key (is not shown): ")
		defer fmt.Fprintln(os.Stderr)
		defer term.Restore(terminal, before) // ReadPassword does not get to it if the context ends
		read = func() (string, error) {
			line, err := term.ReadPassword(terminal)
			return string(line), err
		}
	}
	line, err := inContext(ctx, read)
	if ctx.Err() != nil {
		return "", errNotPasted
	}
	return line, err
}

func readLine() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, maxLine)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}
