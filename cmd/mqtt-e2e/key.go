package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
)

func (a *app) key() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Tell which key would be used",
	}
	cmd.AddCommand(a.keyShow())
	return cmd
}

func (a *app) keyShow() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the key's fingerprint and where the key comes from",
		Long: `Prints the fingerprint of the key that the other verbs would use, and where it
comes from: a file, or a variable of the environment. The key itself is not
printed. Two sides with the same fingerprint have the same key.`,
		Example: "  mqtt-e2e key show",
		Args:    atMost(0),
		RunE:    func(*cobra.Command, []string) error { return s.showKeys() },
	}
	s.registerKey(cmd)
	return cmd
}

// showKeys prints a line for each key, since listen takes several, and directories.
func (s *settings) showKeys() error {
	var keys []secrets.Source
	var err error
	if slices.ContainsFunc(s.keyFiles, secrets.IsDirectory) {
		r := roster{files: s.keyFiles}
		if wrong := r.read(); len(wrong) > 0 {
			err = keyError(wrong[0])
		}
		keys = r.sources()
	} else {
		keys, err = s.keys()
	}
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, err := fmt.Printf("%s\t%s\n", key.Key, key.Origin()); err != nil {
			return err
		}
	}
	return nil
}
