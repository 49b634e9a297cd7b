// Command brokers checks a Conn over the brokers that people run, and over emulated services, and writes what it measures into
// docs/brokers.md.
//
// Run it as go run ./bench/brokers at the root of the repository, on Linux. It starts each broker with its default settings on
// loopback ports, with its files in a temporary directory, and kills it in the end. A broker that is not installed is left out;
// aedes comes from npm. With -short it checks and measures nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"sync"
	"time"
)

func main() {
	runRole()
	short := flag.Bool("short", false, "check only, with little data, and write nothing")
	only := flag.String("run", "", "only brokers and services whose name matches this regular `expression`")
	document := flag.String("o", "docs/brokers.md", "write the tables into this `file`, between their markers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *short, *only, *document); err != nil {
		fmt.Fprintln(os.Stderr, "brokers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, checkOnly bool, only, document string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "brokers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := full
	if checkOnly {
		s = short
	}
	var failed error
	for _, k := range kinds {
		if !pattern.MatchString(k.name) || ctx.Err() != nil {
			continue
		}
		rows, err := k.measure(ctx, dir, s)
		if errors.Is(err, errMissing) {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		failed = errors.Join(failed, err)
		if !checkOnly {
			failed = errors.Join(failed, save(document, brokersTable, rows))
		}
	}
	outcomes, err := tryServices(ctx, dir, pattern, checkOnly)
	if errors.Is(err, errMissing) {
		fmt.Fprintln(os.Stderr, err)
		return failed
	}
	if !checkOnly {
		err = errors.Join(err, save(document, servicesTable, outcomes))
	}
	return errors.Join(failed, err)
}

// tryServices tries the services, all of them at once, and returns their rows.
func tryServices(ctx context.Context, dir string, pattern *regexp.Regexp, checkOnly bool) (rows [][]string, failed error) {
	p := fullPhases
	if checkOnly {
		p = shortPhases
	}
	b, err := kinds[0].open(dir)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	rows, errs := make([][]string, len(services)), make([]error, len(services))
	var all sync.WaitGroup
	for i, s := range services {
		if pattern.MatchString(s.name) {
			all.Go(func() {
				o, err := s.try(ctx, b.nodes[0].listens[0], p)
				rows[i], errs[i] = s.row(o, err), err
				fmt.Fprintf(os.Stderr, "%s: %.2f of %.0f KB/s, refusal: %v, error: %v\n", s.name, o.goodput/s.allowed(), s.allowed()/1e3, o.refusal, err)
			})
		}
	}
	all.Wait()
	return slices.DeleteFunc(rows, func(row []string) bool { return row == nil }), errors.Join(errs...)
}

// measure runs the checks on all ways of a broker of the kind, and returns a row of the table for each.
func (k kind) measure(ctx context.Context, dir string, s sizes) (rows [][]string, failed error) {
	b, err := k.open(dir)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	trials := make([]*trial, len(b.ways))
	for i, w := range b.ways {
		if trials[i], err = newTrial(ctx, k, b, w, s); err != nil {
			return nil, err
		}
		defer trials[i].close()
	}
	for _, checks := range [][]check{checks, idlenesses, outages} {
		for _, t := range trials {
			failed = errors.Join(failed, t.run(ctx, checks))
		}
	}
	for _, t := range trials {
		rows = append(rows, t.row())
	}
	return rows, failed
}

// run runs checks, all of them, and says on standard error how it goes.
func (t *trial) run(ctx context.Context, checks []check) (failed error) {
	for _, c := range checks {
		start := time.Now()
		err := c.run(t, ctx)
		fmt.Fprintf(os.Stderr, "%s: %s: %.1f s\n", t.name, c.name, time.Since(start).Seconds())
		if err != nil {
			t.failed = append(t.failed, c.name)
			failed = errors.Join(failed, fmt.Errorf("%s: %s: %w", t.name, c.name, err))
		}
	}
	return failed
}
