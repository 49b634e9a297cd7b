package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// wildcards are those of ssh's patterns. No name has one in it.
const wildcards = "*?"

func (a *app) sshConfig() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "ssh-config ADDRESS [HOST:PORT | SERVICE]",
		Short: "Print a Host block for ~/.ssh/config",
		Long: `Prints a Host block for ~/.ssh/config, after which ssh NAME reaches the listener
of that name, with the key and the settings of this command line. Passwords are
never printed: give --password-file if the broker wants one.

With a pattern after -n the block is for a fleet: each name that matches reaches
the listener of that name, under its own key if a --fleet-key-file is given. %n in
a --key-file stands for the name.`,
		Example: `  mqtt-e2e ssh-config mqtts://broker.example#box >> ~/.ssh/config
  mqtt-e2e ssh-config mqtts://broker.example -n '*.fleet' >> ~/.ssh/config
  mqtt-e2e ssh-config mqtts://broker.example -n '*.fleet' --fleet-key-file ~/.config/mqtt-e2e/fleet >> ~/.ssh/config
  mqtt-e2e ssh-config mqtts://broker.example -n '*.fleet' --key-file ~/.config/mqtt-e2e/%n >> ~/.ssh/config`,
		Args: atMost(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if strings.ContainsAny(s.name, wildcards) {
				return a.printFleetConfig(&s, args)
			}
			return a.printSSHConfig(&s, args)
		},
	}
	s.register(cmd)
	return cmd
}

func (a *app) printSSHConfig(s *settings, args []string) error {
	p, rest, err := a.findPlace(args, s)
	if err != nil {
		return err
	}
	key, err := s.key()
	if err != nil {
		return err
	}
	command, err := a.connectCommand(s, key, p, rest, p.public())
	if err != nil {
		return err
	}
	_, err = fmt.Print(hostBlock(p.host(), command))
	return err
}

// printFleetConfig prints the block for every name that matches -n.
func (a *app) printFleetConfig(s *settings, args []string) error {
	if _, err := address.ParseName(strings.NewReplacer("*", "", "?", "").Replace(s.name)); err != nil {
		return usagef("-n %q: %w; and * and ? for any of these", s.name, err)
	}
	p, rest, err := a.findBroker(args)
	if err != nil {
		return err
	}
	if p.parsed.HasName {
		return errTwoNames
	}
	key, err := s.patternKey()
	if err != nil {
		return err
	}
	command, err := a.connectCommand(s, key, p, rest, p.publicBroker(), "-n", sshName)
	if err != nil {
		return err
	}
	_, err = fmt.Print(fleetBlock(s.name, command))
	return err
}

// patternKey is key, but takes the name of a file that ssh completes as it is.
func (s *settings) patternKey() (secrets.Source, error) {
	if s.fleetKeyFile == "" && len(s.keyFiles) == 1 && strings.Contains(s.keyFiles[0], sshName) {
		return secrets.Source{File: s.keyFiles[0]}, nil
	}
	return s.key()
}

// connectCommand returns the words of a command line that connects to a place,
// which address says, and a target there, which rest says.
func (a *app) connectCommand(s *settings, key secrets.Source, p place, rest []string, address ...string) ([]string, error) {
	if _, err := parseTarget(rest); err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	arguments, err := a.arguments(s, []secrets.Source{key})
	if err != nil {
		return nil, err
	}
	a.warnLeftOut(p)
	command := slices.Concat([]string{program, "connect"}, allWords(arguments), address, rest)
	return command, checkPrintable(command)
}
