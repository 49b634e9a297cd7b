package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
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
resolved. It runs until it is told to end, and connects again for ever.`,
		Example: `  mqtt-e2e listen mqtts://broker.example#box --to 127.0.0.1:22
  mqtt-e2e listen mqtts://broker.example#box --to 127.0.0.1:22 --to web=127.0.0.1:80
  mqtt-e2e listen mqtts://broker.example#box --allow 10.0.0.0/8:any --allow-remote 8080`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runListen(cmd.Context(), &f, args) },
	}
	f.settings.register(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.to, "to", nil, "`[NAME=][HOST:]PORT` to serve; one without a name is the default, one without a host on this machine")
	flags.StringArrayVar(&f.allow, "allow", nil, "`HOST:PORT` that the other side may choose; HOST is an address, a name, a CIDR or any, PORT a number or any")
	flags.StringArrayVar(&f.allowRemote, "allow-remote", nil, "`[BIND:]PORT` that the other side may open here")
	flags.BoolVar(&f.speedtest, "allow-speedtest", false, "let the other side measure the throughput")
	flags.BoolVar(&f.systemdUnit, "systemd-unit", false, "print a service unit that runs this command, and end")
	return cmd
}

// policy reads the flags that say what is served.
func (f *listenFlags) policy() (target.Policy, error) {
	var policy target.Policy
	for _, text := range f.to {
		if err := policy.Add(text); err != nil {
			return policy, usagef("--to: %w", err)
		}
	}
	for _, text := range f.allow {
		allow, err := target.ParseAllow(text)
		if err != nil {
			return policy, usagef("--allow: %w", err)
		}
		policy.Allow = append(policy.Allow, allow)
	}
	for _, text := range f.allowRemote {
		address, err := target.ParsePort(text)
		if err != nil {
			return policy, usagef("--allow-remote: %w", err)
		}
		policy.Remote = append(policy.Remote, address)
	}
	if len(f.to)+len(f.allow)+len(f.allowRemote) == 0 && !f.speedtest {
		return policy, usagef("there is nothing to serve: say with --to HOST:PORT where streams go, or see --allow")
	}
	return policy, nil
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
	keys, err := f.keys()
	if err != nil {
		return err
	}
	if f.systemdUnit {
		return a.printUnit("listen", f.served(), &f.settings, p, keys)
	}
	server := server.New(policy, f.speedtest, a.record)
	defer server.Wait() // after the Endpoints are closed
	var endpoints []*mqtte2e.Endpoint
	for _, key := range keys {
		endpoint, err := a.endpoint(&f.settings, p, key.Key)
		if err != nil {
			return err
		}
		defer endpoint.Close()
		endpoints = append(endpoints, endpoint)
	}
	if ui.IsTerminal(os.Stderr) && !a.silent {
		hint, err := a.peerCommands(&f.settings, p, policy)
		if err != nil {
			return err
		}
		fmt.Fprint(os.Stderr, hint)
	}
	return a.serveAll(ctx, endpoints, p, server)
}

// serveAll serves one Listener on each Endpoint until the context ends or one
// fails for good.
func (a *app) serveAll(ctx context.Context, endpoints []*mqtte2e.Endpoint, p place, server *server.Server) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ready := sync.OnceFunc(func() { systemd.Notify(systemd.Ready) })
	go watch(ctx, endpoints...)
	var running sync.WaitGroup
	for _, endpoint := range endpoints {
		running.Go(func() {
			l := &listening{app: a, endpoint: endpoint, place: p, server: server, ready: ready}
			cancel(l.run(ctx))
		})
	}
	<-ctx.Done()
	systemd.Notify(systemd.Stopping)
	running.Wait()
	return context.Cause(ctx)
}

// watch tells the service manager, as often as it wants to hear it, that nothing
// is stuck: the state of every Endpoint can be had.
func watch(ctx context.Context, endpoints ...*mqtte2e.Endpoint) {
	systemd.Watchdog(ctx, func() {
		for _, endpoint := range endpoints {
			endpoint.Connected()
		}
	})
}

// listening is one Listener under one key.
type listening struct {
	app      *app
	endpoint *mqtte2e.Endpoint
	place    place
	server   *server.Server
	ready    func() // tells the service manager, once, that starting is over
}

// run listens until the context ends. It tries for ever, at boot before there
// is a network for instance, but gives up if the broker refuses us for good
// before it let us in.
func (l *listening) run(ctx context.Context) error {
	status := ui.NewStatus(l.app.logger)
	var listener *mqtte2e.Listener
	err := client.Retry(ctx, status, func() string { return l.where().Waits(false) }, "until it works", client.IsHopeless, func(ctx context.Context) (err error) {
		if listener, err = l.listen(ctx); err != nil && !client.IsHopeless(err) {
			// An absent network does not hold up the boot; a wrong password fails the
			// start.
			l.ready()
		}
		return err
	})
	if err != nil {
		return causeOr(ctx, err)
	}
	return l.serve(ctx, listener, status)
}

func (l *listening) listen(ctx context.Context) (*mqtte2e.Listener, error) {
	ctx, cancel := context.WithTimeout(ctx, client.AttemptTimeout)
	defer cancel()
	listener, err := l.endpoint.Listen(ctx, l.place.name, l.server.Protocols()...)
	return listener, l.where().Explain(client.Setup(err))
}

func (l *listening) where() ui.Place { return ui.PlaceOf(l.endpoint, l.place.name) }

func (l *listening) serve(ctx context.Context, listener *mqtte2e.Listener, status *ui.Status) error {
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	status.Info("listening", "name", l.place.name, "broker", l.place.parsed, "key", l.endpoint.Config.Key)
	l.ready()
	if err := l.server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}
