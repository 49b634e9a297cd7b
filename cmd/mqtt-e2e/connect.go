package main

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
	"github.com/mqtt-e2e/mqtte2e/internal/engine"
	"github.com/mqtt-e2e/mqtte2e/internal/link"
)

// watchedKeepAlive is the silence after which a Conn asks its peer where a person
// watches: who sits at a terminal hears within some 15 s of an outage in which
// nothing is typed, for six packets a minute in each direction.
const watchedKeepAlive = 10 * time.Second

// dialFlags are the flags of the verbs that reach for a listener and give up.
type dialFlags struct {
	settings
	timeout time.Duration
}

func (f *dialFlags) register(cmd *cobra.Command) {
	f.settings.register(cmd)
	cmd.Flags().DurationVar(&f.timeout, "timeout", 20*time.Second, "give up if the other side is not reached in this time")
}

func (a *app) connect() *cobra.Command {
	var f dialFlags
	cmd := &cobra.Command{
		Use:   "connect ADDRESS [HOST:PORT | SERVICE]",
		Short: "Join standard input and output with a target",
		Long: `Joins standard input and output with the listener's default target, with the
SERVICE of that name, or with HOST:PORT, which the listener must allow. Made for
ssh's ProxyCommand. The end of standard input is passed on. The command ends when
the other side has ended and everything is on standard output.`,
		Example: "  ssh -o ProxyCommand='mqtt-e2e connect mqtts://broker.example#box' user@box",
		Args:    atMost(2),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runConnect(cmd.Context(), &f, args) },
	}
	f.register(cmd)
	return a.quiet(cmd)
}

func (a *app) runConnect(ctx context.Context, f *dialFlags, args []string) error {
	endpoint, p, rest, err := a.dialer(args, &f.settings)
	if err != nil {
		return err
	}
	defer endpoint.Close()
	request, err := parseTarget(rest)
	if err != nil {
		return err
	}
	c := client.New(endpoint, p.name, nil, a.logger)
	defer c.Close()
	opening := ctx
	if a.tellsOutages() {
		opening = engine.WithKeepAlive(ctx, watchedKeepAlive)
	}
	stream, err := a.open(opening, c, f.timeout, request)
	if err != nil {
		return err
	}
	err = a.join(ctx, c, stream)
	if errors.Is(err, tunnel.ErrOutputClosed) {
		a.logger.Debug(err.Error())
		err = nil
	}
	if err == nil || errors.Is(err, errInterrupted) {
		stream.Close()
	} else {
		tunnel.Abort(stream)
	}
	return c.Explain(err)
}

// join joins standard input and output with stream, and tells a person at a
// terminal that the path is gone, or back.
func (a *app) join(ctx context.Context, c *client.Client, stream net.Conn) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	if conn := c.Conn(); conn != nil && a.tellsOutages() {
		go ui.WatchOutages(watching, conn.Stats, func(text string) { ui.TellInSession(os.Stderr, text) })
	}
	return tunnel.JoinStdio(ctx, os.Stdin, os.Stdout, stream)
}

// tellsOutages reports whether somebody waits at a terminal and wants to know.
func (a *app) tellsOutages() bool {
	return ui.IsTerminal(os.Stderr) && !a.silent && a.logFormat == "text"
}

// parseTarget reads the argument behind the address, if there is one.
func parseTarget(args []string) (tunnel.Request, error) {
	switch len(args) {
	case 0:
		return client.Default, nil
	case 1:
	default:
		return tunnel.Request{}, usagef("%q is one argument too many", args[1])
	}
	endpoint, err := target.Parse(args[0])
	if err == nil {
		return tunnel.Request{Kind: tunnel.Target, Text: endpoint.String()}, nil
	}
	if target.IsNumber(args[0]) {
		return tunnel.Request{}, usagef("a port alone is no target: for port %[1]s of the other machine write 127.0.0.1:%[1]s", args[0])
	}
	if target.CheckService(args[0]) != nil {
		return tunnel.Request{}, usagef("%q is neither HOST:PORT nor the name of a service: %w", args[0], err)
	}
	return tunnel.Request{Kind: tunnel.Service, Text: args[0]}, nil
}

// open opens a stream for request. It tries for timeout, as long as trying
// again may help.
func (a *app) open(ctx context.Context, c *client.Client, timeout time.Duration, request tunnel.Request) (stream net.Conn, err error) {
	err = a.try(ctx, timeout, c.Waits, func(ctx context.Context) error {
		stream, err = c.Open(ctx, request)
		return err
	})
	return stream, err
}

// try calls do until it succeeds, fails in a way that trying again does not
// cure, or timeout has passed. waits says what is waited for, if that takes long
// and nothing else was told.
func (a *app) try(ctx context.Context, timeout time.Duration, waits func() string, do func(context.Context) error) error {
	if timeout <= 0 {
		return usagef("--timeout is %v: make it longer than nothing", timeout)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := client.Retry(limited, ui.NewStatus(a.logger), waits, "for "+timeout.String()+" in all", func(err error) bool {
		return link.Permanent(err) || !errors.Is(err, mqtte2e.ErrBroker)
	}, do)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
