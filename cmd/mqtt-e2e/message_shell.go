package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/message"
)

func (a *app) messageShell() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "shell ADDRESS --topic SUFFIX --subscribe FILTER",
		Short:   "Send each line that is typed, and print what arrives",
		Example: "  mqtt-e2e message shell mqtts://broker.example --topic controller --subscribe 'iot/#'",
		Args:    atMost(1),
	}
	f := a.messageVerb(cmd, "send to this topic under the key's base topic (`SUFFIX`)", "where do the lines go?", a.runMessageShell)
	cmd.Flags().StringVar(&f.subscribe, "subscribe", "iot/#", "print what arrives under this topic (`FILTER`)")
	return cmd
}

func (a *app) runMessageShell(ctx context.Context, f *messageFlags, p place, _ []string) error {
	session, err := a.messageSession(ctx, f, p, f.topic, f.subscribe)
	if err != nil {
		return err
	}
	defer session.Close()
	s, restore, err := newShell(os.Stdin, os.Stdout)
	if err != nil {
		return err
	}
	defer restore()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go printAll(ctx, session, s)
	return sendAll(ctx, session, s)
}

// printAll prints what arrives until the context ends.
func printAll(ctx context.Context, session *message.Session, out io.Writer) {
	for {
		m, err := session.Receive(ctx)
		if err != nil || printMessage(out, m) != nil {
			return
		}
	}
}

// sendAll sends lines until there are no more, or the context ends.
func sendAll(ctx context.Context, session *message.Session, in lineReader) error {
	for {
		line, err := inContext(ctx, in.ReadLine)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := sendMessage(ctx, session, []byte(line)); err != nil {
			return err
		}
	}
}

// A lineReader is where the lines of a shell come from.
type lineReader interface {
	io.Writer
	ReadLine() (string, error) // io.EOF at the end
}

// newShell edits lines if in is a terminal, and prints above the one that is
// being typed. restore must be called at the end.
func newShell(in, out *os.File) (s lineReader, restore func(), err error) {
	if !ui.IsTerminal(in) || !ui.IsTerminal(out) {
		return plainShell{bufio.NewReader(in), out}, func() {}, nil
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, nil, err
	}
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "> ")
	return terminal, func() { term.Restore(int(in.Fd()), state) }, nil
}

// plainShell reads a file or a pipe.
type plainShell struct {
	in *bufio.Reader
	io.Writer
}

// ReadLine returns a line without its end; the last one may lack one.
func (s plainShell) ReadLine() (string, error) {
	line, err := s.in.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
}

// oneLine quotes what is not a line of printable text.
func oneLine(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(text)
	}
	return text
}
