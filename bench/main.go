// Command bench measures what encryption, ordering and flow control cost: a Conn against a client that does nothing but MQTT and
// against plain paho, all through the same broker, interleaved in one run.
//
// Run it as go run ./bench at the root of the repository, or as go run . here. It starts Mosquitto, from PATH or /usr/sbin, or
// else the embedded broker; it needs no network and installs nothing. It prints its tables, and with -o writes them and the
// charts of README to a directory. With -broker URL it measures Conns over a broker that somebody else runs, and nothing else.
//
// As root on Linux, go run ./bench -wan measures over emulated access links instead, against TCP straight over the same links. It
// takes real-time priority, so that other work of the machine disturbs it little, and says where it was disturbed nevertheless.
//
// go run ./bench -paths measures several brokers in one address instead: what their deaths cost, and what having them costs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime/pprof"

	"github.com/mqtt-e2e/mqtte2e/bench/nats"
)

// options are the flags.
type options struct {
	rounds  int
	quick   bool
	only    string
	out     string
	profile string
	broker  string
	wan     bool
	wanOnly string
	wanSecs float64
	paths   bool
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == roleArgument {
		exit(runRole())
	}
	if len(os.Args) == 3 && os.Args[1] == natsArgument {
		exit(nats.Run(os.Args[2]))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often to measure everything")
	flag.BoolVar(&o.quick, "quick", false, "one short round, for a first impression")
	flag.StringVar(&o.only, "run", "", "measure only what matches this regular `expression`")
	flag.StringVar(&o.out, "o", "", "write results.md, results.csv and charts to this `directory`")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of all clients to this `file`")
	flag.StringVar(&o.broker, "broker", "", "measure Conns over the broker at this `URL` (mqtt, mqtts, ws or wss), which somebody else runs, and nothing else")
	flag.BoolVar(&o.wan, "wan", false, "measure over emulated access links instead; needs root and Linux")
	flag.StringVar(&o.wanOnly, "wan-only", "", "of -wan, measure only rows whose name matches this regular `expression`")
	flag.Float64Var(&o.wanSecs, "wan-secs", 15, "of -wan, how many `seconds` each measurement of a row takes")
	flag.BoolVar(&o.paths, "paths", false, "measure several brokers in one address instead: what it costs when they die; needs Mosquitto and Unix")
	flag.Parse()
	if o.quick {
		o.rounds = 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if o.wan {
		exit(runWAN(ctx, o))
	}
	if o.paths {
		exit(runPaths(ctx, o))
	}
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, o options) error {
	if o.broker != "" && o.out != "" {
		return errors.New("-o writes the results of the brokers that this program starts: leave it out with -broker")
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, plan, err := prepare(ctx, o, dir)
	if err != nil {
		return err
	}
	defer b.stop()
	if o.profile != "" {
		stop, err := startProfile(o.profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	r, err := runPlan(ctx, plan, o.rounds, only, os.Stderr)
	if err != nil {
		return err
	}
	about := environment(b, o.rounds)
	if o.broker != "" { // the promises are about those on this machine
		fmt.Printf("%s\n\n", about)
		writeTable(os.Stdout, valuesTable(r))
		return nil
	}
	writeReport(os.Stdout, about, r)
	if o.out == "" {
		return nil
	}
	return saveReport(o.out, about, r)
}

// prepare returns the broker and what is to be measured.
func prepare(ctx context.Context, o options, dir string) (*broker, []measurement, error) {
	if o.broker != "" {
		b := namedBroker(o.broker)
		plan, err := b.namedPlan(ctx)
		return b, plan, err
	}
	b, err := startBroker(dir)
	if err != nil {
		return nil, nil, err
	}
	return b, b.plan(o.quick), nil
}

func startProfile(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		file.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}
