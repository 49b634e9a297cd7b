package main

import (
	"cmp"
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/systemd"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// forwardFlags are the flags of the verb forward, as they were typed and as
// they were read.
type forwardFlags struct {
	settings
	localTexts, remoteTexts, dynamicTexts []string
	systemdUnit                           bool

	local   []target.Local
	remote  []target.Remote
	dynamic []target.Port
}

func (a *app) forward() *cobra.Command {
	var f forwardFlags
	cmd := &cobra.Command{
		Use:   "forward ADDRESS -L … -R … -D …",
		Short: "Carry TCP ports to the other side and back",
		Long: `Carries TCP ports, as ssh does with its flags of these names. Each may be given
several times. Ports are opened on the loopback interface unless BIND says
otherwise; * is every interface. It runs until it is told to end, and connects
again for ever.`,
		Example: `  mqtt-e2e forward mqtts://broker.example#box -L 8022
  mqtt-e2e forward mqtts://broker.example#box -L 8080:web -L 5432:db.lan:5432 -D 1080
  mqtt-e2e forward mqtts://broker.example#box -R 9000:127.0.0.1:3000`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runForward(cmd.Context(), &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVarP(&f.localTexts, "local", "L", nil, "`[BIND:]PORT[:HOST:PORT]` or [BIND:]PORT:SERVICE: a port here goes to a target there")
	flags.StringArrayVarP(&f.remoteTexts, "remote", "R", nil, "`[BIND:]PORT:HOST:PORT`: a port there goes to a target here")
	flags.StringArrayVarP(&f.dynamicTexts, "dynamic", "D", nil, "`[BIND:]PORT`: a SOCKS5 proxy here goes to the targets that its clients name")
	f.settings.register(cmd)
	flags.BoolVar(&f.systemdUnit, "systemd-unit", false, "print a service unit that runs this command, and end")
	return cmd
}

// parse reads the forwards.
func (f *forwardFlags) parse() error {
	var err error
	f.local = parseAll("-L", f.localTexts, target.ParseLocal, &err)
	f.remote = parseAll("-R", f.remoteTexts, target.ParseRemote, &err)
	f.dynamic = parseAll("-D", f.dynamicTexts, target.ParsePort, &err)
	if err != nil {
		return usage(err)
	}
	if len(f.local)+len(f.remote)+len(f.dynamic) == 0 {
		return usagef("there is nothing to forward: give at least one of -L, -R and -D")
	}
	return f.twice()
}

// twice is an error if two flags ask for one port. Port 0 is another each time.
func (f *forwardFlags) twice() error {
	here, there := make(map[target.Port]string), make(map[target.Port]string)
	var err error
	take := func(ports map[target.Port]string, address target.Port, flag string) {
		if first, taken := ports[address]; taken && address.Number != 0 && err == nil {
			err = usagef("the port %s is given twice, by %s and %s: leave one away, or choose another port", address, first, flag)
		}
		ports[address] = flag
	}
	for i, local := range f.local {
		take(here, local.Bind, "-L "+f.localTexts[i])
	}
	for i, dynamic := range f.dynamic {
		take(here, dynamic, "-D "+f.dynamicTexts[i])
	}
	for i, remote := range f.remote {
		take(there, remote.Bind, "-R "+f.remoteTexts[i])
	}
	return err
}

// parseAll reads the values of a flag, and keeps the first error of all flags.
func parseAll[T any](flag string, texts []string, parse func(string) (T, error), first *error) []T {
	var all []T
	for _, text := range texts {
		value, err := parse(text)
		if err != nil && *first == nil {
			*first = fmt.Errorf("%s %s: %w", flag, text, err)
		}
		all = append(all, value)
	}
	return all
}

// defaultOnly reports whether only the far side's default target is used.
func (f *forwardFlags) defaultOnly() bool {
	for _, local := range f.local {
		if local.Request != client.Default {
			return false
		}
	}
	return len(f.remote)+len(f.dynamic) == 0
}

func (a *app) runForward(ctx context.Context, f *forwardFlags, args []string) error {
	if err := f.parse(); err != nil {
		return err
	}
	p, _, err := a.findPlace(args, &f.settings)
	if err != nil {
		return err
	}
	key, err := f.key()
	if err != nil {
		return err
	}
	if f.systemdUnit {
		return a.printUnit("forward", f.forwarded(), &f.settings, p, []secrets.Source{key})
	}
	return a.forwardAll(ctx, f, p, key)
}

// forwardAll forwards until the context ends.
func (a *app) forwardAll(ctx context.Context, f *forwardFlags, p place, key secrets.Source) error {
	ports, err := a.openPorts(f)
	defer ports.close()
	if err != nil {
		return err
	}
	endpoint, err := a.endpoint(&f.settings, p, key.Key)
	if err != nil {
		return err
	}
	defer endpoint.Close()
	c := client.New(endpoint, p.name, f.remote, a.logger)
	defer c.Close()
	ports.serve(ctx, c)
	systemd.Notify(systemd.Ready)
	go watch(ctx, endpoint)
	if err := c.Keep(ctx, f.defaultOnly(), ui.NewStatus(a.logger)); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// A localPort is an open port here and what it is for.
type localPort struct {
	net.Listener
	request tunnel.Request // zero: a SOCKS5 proxy
}

type localPorts []localPort

// openPorts opens every port before the broker is reached, so that a port that
// is taken is known at once.
func (a *app) openPorts(f *forwardFlags) (localPorts, error) {
	var ports localPorts
	var failed error
	open := func(flag string, address target.Port, request tunnel.Request, what string) {
		listener, err := address.Listen()
		if err != nil {
			failed = cmp.Or(failed, fmt.Errorf("%s: %w", flag, err))
			return
		}
		a.logger.Info("forwarding", "port", listener.Addr(), "to", what)
		if !address.IsLoopback() {
			a.logger.Warn("other machines can reach this port", "port", listener.Addr())
		}
		ports = append(ports, localPort{listener, request})
	}
	for i, local := range f.local {
		open("-L "+f.localTexts[i], local.Bind, local.Request, local.String())
	}
	for i, dynamic := range f.dynamic {
		open("-D "+f.dynamicTexts[i], dynamic, tunnel.Request{}, "what SOCKS5 clients name")
	}
	return ports, failed
}

// serve serves every port until it is closed.
func (ports localPorts) serve(ctx context.Context, c *client.Client) {
	for _, port := range ports {
		if port.request == (tunnel.Request{}) {
			go c.ServeSOCKS(ctx, port)
		} else {
			go c.ServePort(ctx, port, port.request)
		}
	}
}

func (ports localPorts) close() {
	for _, port := range ports {
		port.Close()
	}
}
