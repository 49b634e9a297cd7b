package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	context.AfterFunc(ctx, t.Network.Close)
	if err := t.startBroker(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *bed) close() {
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

// actor is a process of this program in another role.
type actor struct {
	process *exec.Cmd
	in      io.WriteCloser
	lines   io.Reader
	errors  bytes.Buffer
}

// act starts an actor. It waits until it is ready where the role says so.
func (t *bed) act(place *wan.Place, s wanSpec, awaitReady bool) (*actor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	a := &actor{process: exec.Command(self, roleArgument)}
	a.process.Stderr = &a.errors
	if a.in, err = a.process.StdinPipe(); err != nil {
		return nil, err
	}
	if a.lines, err = a.process.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := place.Start(a.process); err != nil {
		return nil, err
	}
	s.Key = t.key.Hex()
	if err := json.NewEncoder(a.in).Encode(s); err != nil {
		return nil, a.failed(err)
	}
	if awaitReady {
		if _, err := io.ReadFull(a.lines, make([]byte, len("ready\n"))); err != nil {
			return nil, a.failed(err)
		}
	}
	return a, nil
}

// report waits for what the actor says at its end into v.
func (a *actor) report(v any) error {
	if err := json.NewDecoder(a.lines).Decode(v); err != nil {
		return a.failed(err)
	}
	return a.process.Wait()
}

// failed ends the actor and says what it had to say.
func (a *actor) failed(err error) error {
	a.process.Process.Kill()
	a.process.Wait()
	if text := bytes.TrimSpace(a.errors.Bytes()); len(text) > 0 {
		return fmt.Errorf("%s", text)
	}
	return fmt.Errorf("a process of the measurement ended without a report: %w", err)
}

// stop tells the actor that the measurement is over.
func (a *actor) stop() { a.in.Close() }
