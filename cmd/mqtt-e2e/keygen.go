package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// keygenFlags are the flags of the verb keygen.
type keygenFlags struct {
	settings // of which there is the fleet's key only
	file     string
	pasted   bool
	device   string
}

func (a *app) keygen() *cobra.Command {
	var f keygenFlags
	cmd := &cobra.Command{
		Use:   "keygen [-o FILE]",
		Short: "Make a key",
		Long: `Prints a new key, or writes it to FILE, which only its owner can read. An
existing file is never overwritten. The other side needs the same key.

With --device the key is that of one device of a fleet. The fleet's key is a key
like any other: whoever has it has those of all devices, and a device's key says
nothing of others.`,
		Example: `  mqtt-e2e keygen -o ~/.config/mqtt-e2e/key
  mqtt-e2e keygen --import -o ~/.config/mqtt-e2e/key
  mqtt-e2e keygen --fleet-key-file ~/.config/mqtt-e2e/fleet --device door1 -o door1.key`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := f.makeKey(cmd.Context())
			if err != nil {
				return err
			}
			return a.storeKey(key, f.file)
		},
	}
	cmd.Flags().StringVarP(&f.file, "output", "o", "", "write the key to `FILE`")
	takesFile(cmd, "output")
	cmd.Flags().BoolVar(&f.pasted, "import", false, "read a key, pasted without echo, instead of making one")
	cmd.Flags().StringVar(&f.device, "device", "", "the key of the device `NAME` of a fleet, instead of a new one")
	f.registerFleetKey(cmd)
	return cmd
}

func (f *keygenFlags) makeKey(ctx context.Context) (mqtte2e.Key, error) {
	switch {
	case f.device == "" && f.fleetKeyFile != "":
		return mqtte2e.Key{}, usagef("--fleet-key-file without --device: say with --device NAME which device's key it is to be")
	case f.device != "" && f.pasted:
		return mqtte2e.Key{}, usagef("--import reads a key, --device has one already: leave one out")
	case f.device != "":
		return f.deviceKey()
	case f.pasted:
		return pastedKey(ctx, f.file)
	}
	return mqtte2e.NewKey(), nil
}

var errNoFleet = usagef("--device is one of a fleet: give the fleet's key with --fleet-key-file FILE")

// deviceKey derives the key of one device.
func (f *keygenFlags) deviceKey() (mqtte2e.Key, error) {
	if _, err := address.ParseName(f.device); err != nil {
		return mqtte2e.Key{}, usagef("--device %q: %w", f.device, err)
	}
	fleet, err := secrets.FleetKey(f.fleetKeyFile)
	switch {
	case err != nil:
		return mqtte2e.Key{}, keyError(err)
	case !fleet.Fleet:
		return mqtte2e.Key{}, errNoFleet
	}
	return fleet.Key.Device(f.device)
}

// pastedKey asks for a key that is to go to a file, or to standard output.
func pastedKey(ctx context.Context, file string) (mqtte2e.Key, error) {
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
