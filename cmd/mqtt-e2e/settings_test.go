package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// TestVerbose has -v as often as it may be given.
func TestVerbose(t *testing.T) {
	for arguments, want := range map[string]slog.Level{
		"":                slog.LevelInfo,
		"-v":              slog.LevelDebug,
		"-vv":             ui.LevelTrace,
		"-v --verbose":    ui.LevelTrace,
		"-vvv":            ui.LevelTrace,
		"--verbose=true":  slog.LevelDebug,
		"--verbose=false": slog.LevelInfo,
		"-q":              slog.LevelError,
	} {
		a := new(app)
		if err := a.root().PersistentFlags().Parse(strings.Fields(arguments)); err != nil {
			t.Fatalf("%s: %v", arguments, err)
		}
		if err := a.setUp(t.Context(), slog.LevelInfo); err != nil {
			t.Fatalf("%s: %v", arguments, err)
		}
		if !a.logger.Enabled(t.Context(), want) || a.logger.Enabled(t.Context(), want-1) {
			t.Errorf("%s does not set the level %v", arguments, want)
		}
	}
}

// TestPeerTimeout is an hour unless told otherwise, for every verb.
func TestPeerTimeout(t *testing.T) {
	for argument, want := range map[string]time.Duration{
		"--pad-size=50": time.Hour, "--peer-timeout=0": time.Hour, "--peer-timeout=90s": 90 * time.Second, "--peer-timeout=-1s": -time.Second,
	} {
		var s settings
		cmd := new(cobra.Command)
		s.register(cmd)
		if err := cmd.ParseFlags([]string{argument}); err != nil {
			t.Fatal(err)
		}
		endpoint, err := new(app).endpoint(&s, place{broker: "mqtt://broker.example"}, secrets.Source{Key: mqtte2e.NewKey()})
		if err != nil {
			t.Fatal(err)
		}
		if got := endpoint.Config.PeerTimeout; got != want {
			t.Errorf("%s: %v, want %v", argument, got, want)
		}
	}
}
