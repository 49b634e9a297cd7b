package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/sshconfig"
)

func (a *app) sshConfig() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "ssh-config ADDRESS [HOST:PORT | SERVICE]",
		Short: "Print a Host block for ~/.ssh/config",
		Long: `Prints a Host block for ~/.ssh/config, after which ssh NAME reaches the listener
of that name, with the key and the settings of this command line. Passwords are
never printed: give --password-file if the broker wants one.`,
		Example: "  mqtt-e2e ssh-config mqtts://broker.example#box >> ~/.ssh/config",
		Args:    atMost(2),
		RunE:    func(_ *cobra.Command, args []string) error { return a.printSSHConfig(&s, args) },
	}
	s.register(cmd)
	return cmd
}

func (a *app) printSSHConfig(s *settings, args []string) error {
	p, rest, err := a.findPlace(args, s)
	if err != nil {
		return err
	}
	if _, err := parseTarget(rest); err != nil {
		return err
	}
	key, err := s.key()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	arguments, err := a.arguments(s, []secrets.Source{key})
	if err != nil {
		return err
	}
	a.warnPassword(p)
	command := []string{program, "connect"}
	for _, argument := range arguments {
		command = append(command, argument.words()...)
	}
	command = append(append(command, p.withoutPassword()), rest...)
	host := p.name
	if host == "" {
		host = "mqtt"
	}
	_, err = fmt.Print(sshconfig.Block(host, command))
	return err
}
