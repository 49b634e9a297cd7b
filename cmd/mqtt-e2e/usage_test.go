package main

import (
	"slices"
	"testing"

	"github.com/spf13/cobra"
)

func TestSimilarFlags(t *testing.T) {
	cmd := new(cobra.Command)
	for _, name := range []string{"key-file", "ca-file", "client-key", "client-cert", "to"} {
		cmd.Flags().String(name, "", "")
	}
	cmd.Flags().String("key-files", "", "")
	cmd.Flags().MarkHidden("key-files")
	for name, want := range map[string][]string{
		"keyfile":  {"--key-file"},
		"client":   {"--client-cert", "--client-key"},
		"ca-files": {"--ca-file"},
		"nothing":  nil,
	} {
		if got := similarFlags(cmd, name); !slices.Equal(got, want) {
			t.Errorf("similar to --%s: %q, want %q", name, got, want)
		}
	}
}
