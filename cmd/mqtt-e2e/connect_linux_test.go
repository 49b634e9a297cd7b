package main

import (
	"io"
	"log/slog"
	"testing"

	"golang.org/x/term"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// TestRawTerminal logs where ssh has put the terminal in raw mode, and where not:
// each line begins at the left.
func TestRawTerminal(t *testing.T) {
	for _, raw := range []bool{false, true} {
		person, program := newTerminal(t)
		if raw {
			if _, err := term.MakeRaw(int(program.Fd())); err != nil {
				t.Fatal(err)
			}
		}
		ui.NewLogger(program, slog.LevelInfo, false).Info("one")
		ui.NewLogger(program, slog.LevelInfo, false).Info("two")
		ui.TellInSession(program, "three")
		program.Close()
		got, _ := io.ReadAll(person) // a terminal ends with EIO
		if want := "mqtt-e2e: one\r\nmqtt-e2e: two\r\n\r\nmqtt-e2e: three\r\n"; string(got) != want {
			t.Errorf("raw %v: the terminal gets %q, not %q", raw, got, want)
		}
	}
}
