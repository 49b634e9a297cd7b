package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

func (a *app) keygen() *cobra.Command {
	var file string
	var pasted bool
	cmd := &cobra.Command{
		Use:   "keygen [-o FILE]",
		Short: "Make a key",
		Long: `Prints a new key, or writes it to FILE, which only its owner can read. An
existing file is never overwritten. The other side needs the same key.`,
		Example: "  mqtt-e2e keygen -o ~/.config/mqtt-e2e/key\n  mqtt-e2e keygen --import -o ~/.config/mqtt-e2e/key",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := a.makeKey(cmd.Context(), pasted, file)
			if err != nil {
				return err
			}
			return a.storeKey(key, file)
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "write the key to `FILE`")
	takesFile(cmd, "output")
	cmd.Flags().BoolVar(&pasted, "import", false, "read a key, pasted without echo, instead of making one")
	return cmd
}

func (a *app) makeKey(ctx context.Context, pasted bool, file string) (mqtte2e.Key, error) {
	if !pasted {
		return mqtte2e.NewKey(), nil
	}
	if file == "" && ui.IsTerminal(os.Stdout) {
		return mqtte2e.Key{}, usagef("--import would show the key on the terminal: write it to a file with -o FILE")
	}
	if err := secrets.CheckAbsent(file); err != nil {
		return mqtte2e.Key{}, keyError(err)
	}
	text, err := readSecretLine(ctx)
	if err != nil {
		return mqtte2e.Key{}, keyError(err)
	}
	key, err := secrets.ParseKey("what was pasted", text)
	return key, keyError(err)
}

func (a *app) storeKey(key mqtte2e.Key, file string) error {
	if file == "" {
		_, err := fmt.Println(key.Hex())
		return err
	}
	if err := secrets.WriteKey(file, key); err != nil {
		return keyError(err)
	}
	a.logger.Info("wrote "+file, "fingerprint", key)
	return nil
}
