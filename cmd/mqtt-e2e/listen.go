package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/server"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/systemd"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// listenFlags are the flags of the verb listen.
type listenFlags struct {
	settings
	to          []string
	allow       []string
	allowRemote []string
	speedtest   bool
	maxSessions int
	maxStreams  int
	systemdUnit bool
}

func (a *app) listen() *cobra.Command {
	var f listenFlags
	cmd := &cobra.Command{
		Use:   "listen ADDRESS --to HOST:PORT",
		Short: "Serve TCP targets to the other side",
		Long: `Serves: streams of the other side go to the target after --to. More --to with a
name in front are services that the other side can ask for by name. Nothing else
is reachable unless --allow says so, and no port is opened here unless
--allow-remote does. Host names are compared as they are written and not
resolved. It runs until it is told to end, and connects again for ever.

If --key-file names a directory, each file in it is a peer, which has the name of
the file: the key in the first line and, in further ones, what this peer may
reach: to, allow and allow-remote, as the flags of these names. Without further
lines that is what the flags say. Empty lines count for nothing, nor does what
follows a #, nor files whose names begin with a dot or end in ~. SIGHUP reads the
directory again: peers that are gone are cut off, new ones are served, and a file
that cannot be read changes nothing.`,
		Example: `  mqtt-e2e listen mqtts://broker.example#box --to 127.0.0.1:22
  mqtt-e2e listen mqtts://broker.example#box --to 127.0.0.1:22 --to web=127.0.0.1:80
  mqtt-e2e listen mqtts://broker.example#box --allow 10.0.0.0/8:any --allow-remote 8080
  mqtt-e2e listen mqtts://broker.example#box --to 22 --key-file /etc/mqtt-e2e/peers`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runListen(cmd.Context(), &f, args) },
	}
	f.settings.register(cmd)
	flags := cmd.Flags()
	flags.Lookup("key-file").Usage = "`FILE` with the key, or directory with a file for each peer; several are served at once"
	flags.StringArrayVar(&f.to, "to", nil, "`[NAME=][HOST:]PORT` to serve; one without a name is the default, one without a host on this machine")
	flags.StringArrayVar(&f.allow, "allow", nil, "`HOST:PORT` that the other side may choose; HOST is an address, a name, a CIDR or any, PORT a number or any")
	flags.StringArrayVar(&f.allowRemote, "allow-remote", nil, "`[BIND:]PORT` that the other side may open here")
	flags.BoolVar(&f.speedtest, "allow-speedtest", false, "let the other side measure the throughput")
	flags.IntVar(&f.maxSessions, "max-sessions", 0, "how many sessions the other side may have under one key, all keys together twice as many (default 256)")
	flags.IntVar(&f.maxStreams, "max-streams", 0, "how many streams the other side may have under one key, all keys together twice as many (default 512, or what the limit of open files allows)")
	flags.BoolVar(&f.systemdUnit, "systemd-unit", false, "print a service unit that runs this command, and end")
	return cmd
}

// policy reads the flags that say what is served.
func (f *listenFlags) policy() (policy target.Policy, err error) {
	for _, given := range []struct {
		flag   string
		values []string
	}{{"to", f.to}, {"allow", f.allow}, {"allow-remote", f.allowRemote}} {
		for _, value := range given.values {
			if err := permit(&policy, given.flag, value); err != nil {
				return policy, usagef("--%w", err)
			}
		}
	}
	return policy, nil
}

// permit adds to a policy what follows one of the flags that say what is served.
func permit(policy *target.Policy, flag, value string) (err error) {
	switch flag {
	case "to":
		err = policy.Add(value)
	case "allow":
		var allow target.Allow
		allow, err = target.ParseAllow(value)
		policy.Allow = append(policy.Allow, allow)
	case "allow-remote":
		var port target.Port
		port, err = target.ParsePort(value)
		policy.Remote = append(policy.Remote, port)
	default:
		// What stands there may be a key.
		return errors.New("begins with none of to, allow and allow-remote, which say what a peer may reach")
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", flag, err)
	}
	return err
}

func (a *app) runListen(ctx context.Context, f *listenFlags, args []string) error {
	policy, err := f.policy()
	if err != nil {
		return err
	}
	p, _, err := a.findPlace(args, &f.settings)
	if err != nil {
		return err
	}
	r, err := a.roster(f, p.name, policy)
	if err != nil {
		return err
	}
	if f.systemdUnit && r.files != nil {
		return usagef("--systemd-unit and a directory of keys do not go together, since such a service sees its files as they were at the start: name files with --key-file")
	}
	if f.systemdUnit {
		return a.printUnit("listen", f.served(), &f.settings, p, r.sources())
	}
	endpoint, err := a.endpoint(&f.settings, p, r.all()[0].source)
	if err != nil {
		return err
	}
	server := server.New(r.peer, f.speedtest, a.record)
	if err := server.Limit(f.maxSessions, f.maxStreams); err != nil {
		return usage(err)
	}
	defer server.Wait() // after the Endpoint is closed
	defer endpoint.Close()
	if err := a.tellPeerCommands(&f.settings, p, policy); err != nil {
		return err
	}
	l := &listening{
		app: a, endpoint: endpoint, place: p, roster: r, server: server,
		status: ui.NewStatus(a.logger),
		ready:  sync.OnceFunc(func() { systemd.Notify(systemd.Ready) }),
	}
	return l.run(ctx)
}
