package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/mqtt-e2e/mqtte2e/bench/certificate"
)

// netTest runs nettest.TestConn on a way. It needs a test, and so a process that is one.
func (t *trial) netTest(ctx context.Context) error {
	text, err := json.Marshal(described{Dialer: t.dialer, Listener: t.listener, Roots: t.roots})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nettest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "way")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	arguments, environment, err := self(nettestRole, file)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), environment...)
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nettest: %w\n%s", err, said)
	}
	return nil
}

// described is a way as such a process is told it.
type described struct{ Dialer, Listener, Roots string }

// runNettest ends the program itself.
func runNettest(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var d described
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	w := way{dialer: d.Dialer, listener: d.Listener}
	if d.Roots != "" {
		if w.tls, err = certificate.Trust(d.Roots); err != nil {
			return err
		}
	}
	os.Args = os.Args[:1] // testing parses them
	testing.Main(func(pattern, name string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "TestConn", F: w.testConn}}, nil, nil)
	return errors.New("BUG: testing.Main returned")
}

// testConn runs nettest.TestConn with pairs of Conns that share one Endpoint at each end.
func (w way) testConn(t *testing.T) {
	e, err := w.newEnds(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	nettest.TestConn(t, func() (near, far net.Conn, stop func(), err error) {
		if near, far, err = e.connect(t.Context()); err != nil {
			return nil, nil, nil, err
		}
		return near, far, func() { near.Close(); far.Close() }, nil
	})
}
