package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/client"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

const (
	// pingInterval is the time between two probes, as of ping(8).
	pingInterval = time.Second

	// pingTimeout is how long an answer may take. Later ones count as lost.
	pingTimeout = 5 * time.Second
)

// pingFlags are the flags of the verb ping.
type pingFlags struct {
	dialFlags
	count int
}

func (a *app) ping() *cobra.Command {
	var f pingFlags
	cmd := &cobra.Command{
		Use:   "ping ADDRESS",
		Short: "Measure round-trip times and loss to a listener",
		Long: `Sends probes to the listener, one each second. They travel like data, through the
broker, encrypted, but are not repeated if they get lost.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runPing(cmd.Context(), &f, args) },
	}
	cmd.Flags().IntVarP(&f.count, "count", "c", 4, "number of probes, 0: until interrupted")
	f.dialFlags.register(cmd)
	return a.quiet(cmd)
}

func (a *app) runPing(ctx context.Context, f *pingFlags, args []string) error {
	if f.count < 0 {
		return usagef("-c %d: write how many probes to send, or 0", f.count)
	}
	endpoint, p, _, err := a.dialer(args, &f.settings)
	if err != nil {
		return err
	}
	defer endpoint.Close()
	s := &pings{name: cmp.Or(p.name, p.hosts())}
	err = s.run(ctx, f.count, func() (time.Duration, error) {
		if s.sent == 0 {
			return a.firstPing(ctx, endpoint, p.name, f.timeout)
		}
		return ping(ctx, endpoint, p.name)
	})
	if err != nil && !errors.Is(err, errInterrupted) {
		return err
	}
	return s.summary()
}

func ping(ctx context.Context, endpoint *mqtte2e.Endpoint, name string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	rtt, err := endpoint.Ping(ctx, name)
	return rtt, ui.PlaceOf(endpoint, name).Explain(client.Setup(err))
}

// firstPing repeats the probe until the listener is there: only then is a
// missing answer a loss.
func (a *app) firstPing(ctx context.Context, endpoint *mqtte2e.Endpoint, name string, timeout time.Duration) (rtt time.Duration, err error) {
	waits := func() string { return ui.PlaceOf(endpoint, name).Waits(endpoint.Connected()) }
	err = a.try(ctx, timeout, waits, func(ctx context.Context) error {
		for {
			rtt, err = ping(ctx, endpoint, name)
			if !errors.Is(err, mqtte2e.ErrNoAnswer) || ctx.Err() != nil {
				return err
			}
		}
	})
	return rtt, err
}

// pings are the probes of one run.
type pings struct {
	name             string
	sent, received   int
	least, most, sum time.Duration
}

// run sends count probes, or until the context ends if that is 0. An error is
// final before the first answer, and a loss after it.
func (s *pings) run(ctx context.Context, count int, probe func() (time.Duration, error)) error {
	progress := ui.NewProgress(os.Stderr)
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		if s.sent > 0 { // before that, lines of the log say what is waited for
			progress.Show("waiting for answer %d", s.sent+1)
		}
		rtt, err := probe()
		progress.Clear()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && s.sent == 0 {
			return err
		}
		if s.add(rtt, err); s.sent == count {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *pings) add(rtt time.Duration, err error) {
	s.sent++
	if err != nil {
		fmt.Printf("no answer from %s: probe %d\n", s.name, s.sent)
		return
	}
	if s.received == 0 || rtt < s.least {
		s.least = rtt
	}
	s.most = max(s.most, rtt)
	s.sum += rtt
	s.received++
	fmt.Printf("answer from %s: probe %d, %.2f ms\n", s.name, s.sent, milliseconds(rtt))
}

func (s *pings) summary() error {
	if s.received == 0 {
		return nil
	}
	_, err := fmt.Printf("%d sent, %d answered, %d%% lost; round trip least/average/most %.2f/%.2f/%.2f ms\n",
		s.sent, s.received, 100*(s.sent-s.received)/s.sent,
		milliseconds(s.least), milliseconds(s.sum/time.Duration(s.received)), milliseconds(s.most))
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
