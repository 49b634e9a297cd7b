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

	here   []localPort
	remote []target.Remote
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

// A localPort is a port on this machine.
type localPort struct {
	flag         string // as it was typed
	bind         target.Port
	request      tunnel.Request // for its connections; zero: they are of SOCKS5 clients
	to           string         // what request is for
	net.Listener                // nil: it is not open
}

// parse reads the forwards.
func (f *forwardFlags) parse() error {
	here, there := make(map[target.Port]string), make(map[target.Port]string)
	err := cmp.Or(
		parseAll("-L", f.localTexts, target.ParseLocal, func(flag string, local target.Local) error {
			f.here = append(f.here, localPort{flag: flag, bind: local.Bind, request: local.Request, to: local.String()})
			return take(here, local.Bind, flag)
		}),
		parseAll("-R", f.remoteTexts, target.ParseRemote, func(flag string, remote target.Remote) error {
			f.remote = append(f.remote, remote)
			return take(there, remote.Bind, flag)
		}),
		parseAll("-D", f.dynamicTexts, target.ParsePort, func(flag string, bind target.Port) error {
			f.here = append(f.here, localPort{flag: flag, bind: bind, to: "what SOCKS5 clients name"})
			return take(here, bind, flag)
		}))
	if err != nil {
		return usage(err)
	}
	if len(f.here)+len(f.remote) == 0 {
		return usagef("there is nothing to forward: give at least one of -L, -R and -D")
	}
	return nil
}

// parseAll reads the values of a flag until one is wrong.
func parseAll[T any](flag string, texts []string, parse func(string) (T, error), use func(flag string, value T) error) error {
	for _, text := range texts {
		typed := flag + " " + text
		value, err := parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", typed, err)
		}
		if err := use(typed, value); err != nil {
			return err
		}
	}
	return nil
}

// take is an error if another flag asks for the port. Port 0 is another each
// time.
func take(ports map[target.Port]string, port target.Port, flag string) error {
	if first, taken := ports[port]; taken && port.Number != 0 {
		return fmt.Errorf("the port %s is given twice, by %s and %s: leave one out, or choose another port", port, first, flag)
	}
	ports[port] = flag
	return nil
}

// defaultOnly reports whether only the other side's default target is used.
func (f *forwardFlags) defaultOnly() bool {
	for _, port := range f.here {
		if port.request != client.Default {
			return false
		}
	}
	return len(f.remote) == 0
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
	defer f.closePorts()
	if err := a.openPorts(f); err != nil {
		return err
	}
	endpoint, err := a.endpoint(&f.settings, p, key)
	if err != nil {
		return err
	}
	defer endpoint.Close()
	c := client.New(endpoint, p.name, f.remote, a.logger)
	defer c.Close()
	f.servePorts(ctx, c)
	systemd.Notify(systemd.Ready)
	go watch(ctx, endpoint)
	if err := c.Keep(ctx, f.defaultOnly(), ui.NewStatus(a.logger)); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// openPorts opens every port before the broker is reached, so that a port that
// is taken is known at once.
func (a *app) openPorts(f *forwardFlags) (err error) {
	for i := range f.here {
		port := &f.here[i]
		if port.Listener, err = port.bind.Listen(); err != nil {
			return fmt.Errorf("%s: %w", port.flag, err)
		}
		a.logger.Info("forwarding", "port", port.Addr(), "to", port.to)
		if !port.bind.IsLoopback() {
			a.logger.Warn("other machines can reach this port", "port", port.Addr())
		}
	}
	return nil
}

// servePorts serves every port until it is closed.
func (f *forwardFlags) servePorts(ctx context.Context, c *client.Client) {
	for _, port := range f.here {
		if port.request == (tunnel.Request{}) {
			go c.ServeSOCKS(ctx, port)
		} else {
			go c.ServePort(ctx, port, port.request)
		}
	}
}

func (f *forwardFlags) closePorts() {
	for _, port := range f.here {
		if port.Listener != nil {
			port.Close()
		}
	}
}
