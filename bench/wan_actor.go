package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// actor is a process of this program in a role.
type actor struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     io.Reader
	errors  bytes.Buffer
}

// act starts an actor.
func (t *bed) act(place *wan.Place, s wanSpec) (*actor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	a := &actor{process: exec.Command(self, roleArgument)}
	a.process.Stderr = &a.errors
	if a.in, err = a.process.StdinPipe(); err != nil {
		return nil, err
	}
	if a.out, err = a.process.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := place.Start(a.process); err != nil {
		return nil, err
	}
	s.Key = t.key.Hex()
	if err := json.NewEncoder(a.in).Encode(s); err != nil {
		return nil, a.failed(err)
	}
	return a, nil
}

// actReady starts an actor that says when it is ready, and waits for that.
func (t *bed) actReady(place *wan.Place, s wanSpec) (*actor, error) {
	a, err := t.act(place, s)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(a.out, make([]byte, len(readyLine))); err != nil {
		return nil, a.failed(err)
	}
	return a, nil
}

// report waits for what the actor says at its end, into v.
func (a *actor) report(v any) error {
	if err := json.NewDecoder(a.out).Decode(v); err != nil {
		return a.failed(err)
	}
	return a.process.Wait()
}

// failed ends the actor and returns what it had to say, else that err ended it.
func (a *actor) failed(err error) error {
	a.kill()
	if text := bytes.TrimSpace(a.errors.Bytes()); len(text) > 0 {
		return fmt.Errorf("%s", text)
	}
	return fmt.Errorf("a process of the measurement ended without a report: %w", err)
}

func (a *actor) kill() {
	a.process.Process.Kill()
	a.process.Wait()
}

// stop tells the actor that the measurement is over.
func (a *actor) stop() { a.in.Close() }
