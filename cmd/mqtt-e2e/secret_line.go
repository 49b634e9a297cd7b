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
	if !ui.IsTerminal(os.Stdin) {
		return inContext(ctx, readLine)
	}
	terminal := int(os.Stdin.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	fmt.Fprint(os.Stderr, "key (is not shown): ")
	defer fmt.Fprintln(os.Stderr)
	defer term.Restore(terminal, before) // ReadPassword does not get to it if the context ends
	return inContext(ctx, func() (string, error) {
		line, err := term.ReadPassword(terminal)
		return string(line), err
	})
}

func readLine() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, maxLine)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

// inContext returns what read returns or, if the context ends before, leaves
// read behind: nothing wakes a read of a terminal, and the program ends anyway.
func inContext(ctx context.Context, read func() (string, error)) (string, error) {
	done := make(chan struct{})
	var got string
	var failed error
	go func() {
		defer close(done)
		got, failed = read()
	}()
	select {
	case <-done:
		return got, failed
	case <-ctx.Done():
		return "", errNotPasted
	}
}
