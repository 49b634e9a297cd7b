package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/systemd"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/internal/broker"
)

// brokerFlags are the flags of the verb broker.
type brokerFlags struct {
	listen       string
	user         string
	passwordFile string
	open         bool
}

func (a *app) broker() *cobra.Command {
	var f brokerFlags
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run an MQTT broker",
		Long: `Runs the embedded MQTT broker until it is told to end. It keeps nothing on disk
and speaks no TLS. To try things out, and for networks of your own; for others
use a broker made for them, such as Mosquitto.`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBroker(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:1883", "`HOST:PORT` to listen on")
	flags.StringVar(&f.user, "user", "", "`USER` that clients must name")
	flags.StringVar(&f.passwordFile, "password-file", "", "`FILE` with the password that clients must know")
	flags.BoolVar(&f.open, "open", false, "let everyone in who can reach the port, on other interfaces too")
	takesFile(cmd, "password-file")
	return cmd
}

func (a *app) runBroker(ctx context.Context, f *brokerFlags) error {
	config, err := f.config()
	if err != nil {
		return err
	}
	listener, err := target.OpenPort(f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	b, err := broker.New(config)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.Listen(listener); err != nil {
		return err
	}
	a.logger.Info("the broker listens on mqtt://" + listener.Addr().String())
	systemd.Notify(systemd.Ready)
	<-ctx.Done()
	systemd.Notify(systemd.Stopping)
	return nil
}

func (f *brokerFlags) config() (broker.Config, error) {
	password := ""
	if f.user != "" {
		var err error
		if password, err = secrets.Password(f.passwordFile); err != nil {
			return broker.Config{}, usage(err)
		}
	}
	switch host, _, err := net.SplitHostPort(f.listen); {
	case err != nil:
		return broker.Config{}, usagef("--listen %s: write HOST:PORT, IPv6 in brackets", f.listen)
	case f.user == "" && f.passwordFile != "":
		return broker.Config{}, usagef("--password-file without --user: MQTT has no password without a user")
	case f.user != "" && password == "":
		return broker.Config{}, usagef("--user without a password: give --password-file, or set %s", secrets.PasswordVariable)
	case f.user != "" && f.open:
		return broker.Config{}, usagef("--open lets everyone in, --user does not: leave one out")
	case f.user == "" && !f.open && !isLoopback(host):
		return broker.Config{}, usagef("%s can be reached from other machines: give --user and --password-file, or --open to let everyone in", f.listen)
	}
	return broker.Config{Username: f.user, Password: password}, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
