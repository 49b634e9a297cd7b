package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// bed is a network with a broker in the middle, for the measurements of one row in one round.
type bed struct {
	*wan.Network
	a, b wan.Link
	key  mqtte2e.Key

	programs string // where the command is
	dir      string // for files; goes with the bed
	stop     func() bool
}

// newBed builds the network and starts Mosquitto in it. It ends with ctx at the latest.
func newBed(ctx context.Context, programs string, a, b wan.Link) (*bed, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	t := &bed{a: a, b: b, key: mqtte2e.NewKey(), programs: programs, dir: dir}
	if t.Network, err = wan.New(a, b); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	t.stop = context.AfterFunc(ctx, t.Network.Close)
	if err := t.startBroker(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *bed) close() {
	t.stop()
	t.Network.Close()
	os.RemoveAll(t.dir)
}

// startBroker starts Mosquitto in the middle. Who connects before it listens is refused and tries again.
func (t *bed) startBroker() error {
	program, err := findMosquitto()
	if err != nil {
		return err
	}
	file := filepath.Join(t.dir, "mosquitto.conf")
	lines := "listener 1883 0.0.0.0\nallow_anonymous true\nlog_type none\nuser root\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		return err
	}
	return t.launch(t.Broker, exec.Command(program, "-c", file))
}

// launch starts a process that lasts as long as the network.
func (t *bed) launch(place *wan.Place, c *exec.Cmd) error {
	if err := place.Start(c); err != nil {
		return fmt.Errorf("start %s: %w", c.Path, err)
	}
	go c.Wait()
	return nil
}

// settle waits until what the measurement before has left in the queues is gone.
func (t *bed) settle() { time.Sleep(t.roundTrip() + 2*t.a.Queue + 2*t.b.Queue) }

// roundTrip is between both ends, with empty queues.
func (t *bed) roundTrip() time.Duration { return 2 * (t.a.Delay + t.b.Delay) }
