package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// app is what the verbs share.
type app struct {
	verbose   repeatable // -v, -vv
	silent    bool
	logFormat string
	started   bool // the command line was understood
	logger    *slog.Logger
	record    *slog.Logger // of the streams that were served; goes on while the program ends
	hangups   *hangups
}

// run runs the command and returns its exit code.
func run() int {
	a := &app{logger: ui.NewLogger(os.Stderr, slog.LevelInfo, false)}
	ctx, hangups, stop := withSignals(context.Background())
	defer stop()
	a.hangups = hangups
	cmd, err := a.root().ExecuteContextC(ctx)
	if err == nil || errors.Is(err, errInterrupted) {
		return exitClean
	}
	a.logger.Error(withoutSecrets(err.Error()))
	if !a.started {
		// An unknown verb or flag, or the wrong number of arguments.
		a.logger.Info("see  " + strings.TrimSuffix(cmd.CommandPath(), " help") + " --help")
		return exitUsage
	}
	return exitCode(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mqtt-e2e",
		Short: "TCP connections, end-to-end encrypted, over an MQTT broker",
		Long: `Carries TCP connections, end-to-end encrypted, over an MQTT broker, which both
sides reach and neither has to trust.

ADDRESS is a broker's URL whose fragment is the listener's name, as in
mqtts://user@broker.example:8883#thermostat, and may come from MQTT_E2E_ADDRESS.
Several brokers, of which one has to work and be on the other side's list too, are
joined by commas: mqtts://a.example,wss://b.example/mqtt#thermostat.
The key comes from --key-file, else the file in MQTT_E2E_KEY_FILE, else
MQTT_E2E_KEY, else the file mqtt-e2e/key in the user's configuration directory.
Who runs a fleet gives --fleet-key-file instead, or MQTT_E2E_FLEET_KEY_FILE.
The broker's password comes from --password-file, else MQTT_E2E_PASSWORD; of
several brokers it and --user are for those that have none in ADDRESS.

Exit codes: 0 clean end, 1 other, 2 usage, 3 key, 4 broker, 5 nobody answered,
6 refused or target unreachable, 7 peer gone.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.setUp(cmd.Context(), slog.LevelInfo) },
	}
	flags := root.PersistentFlags()
	flags.VarPF(&a.verbose, "verbose", "v", "say more on standard error; -vv: of each packet too").NoOptDefVal = "true"
	flags.BoolVarP(&a.silent, "quiet", "q", false, "say on standard error why it fails, and nothing else")
	flags.StringVar(&a.logFormat, "log-format", "text", "text or json")
	root.AddCommand(a.keygen(), a.key(), a.broker(), a.listen(), a.connect(), a.forward(), a.ping(),
		a.speedtest(), a.sshConfig(), a.message(), a.version(), a.man())
	setCompletion(root)
	setShells(root)
	setUsage(root)
	return root
}

// repeatable is a flag without a value that counts how often it is given.
type repeatable int

// String implements pflag.Value.
func (r *repeatable) String() string { return strconv.Itoa(int(*r)) }

// Type implements pflag.Value: to its user it is like any other flag without a
// value.
func (r *repeatable) Type() string { return "bool" }

// Set implements pflag.Value.
func (r *repeatable) Set(text string) error {
	given, err := strconv.ParseBool(text)
	if !given {
		*r = 0
		return err
	}
	*r++
	return nil
}

// setUp makes the logger. normal is what is told without -v.
func (a *app) setUp(ctx context.Context, normal slog.Level) error {
	a.started = true
	if a.logFormat != "text" && a.logFormat != "json" {
		return usagef("--log-format is %q: write text or json", a.logFormat)
	}
	switch {
	case a.verbose > 0 && a.silent:
		return usagef("-v says more and -q less: leave one out")
	case a.verbose > 1:
		normal = ui.LevelTrace
	case a.verbose > 0:
		normal = slog.LevelDebug
	case a.silent:
		normal = slog.LevelError
	}
	level := new(slog.LevelVar)
	level.Set(normal)
	if normal == slog.LevelInfo {
		// That connections end is no news once the program is told to end.
		context.AfterFunc(ctx, func() { level.Set(slog.LevelWarn) })
	}
	a.logger = ui.NewLogger(os.Stderr, level, a.logFormat == "json")
	a.record = ui.NewLogger(os.Stderr, normal, a.logFormat == "json")
	return nil
}

// quiet is for verbs that tell only what goes wrong, since another program
// runs them.
func (a *app) quiet(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.setUp(cmd.Context(), slog.LevelWarn) }
	return cmd
}
