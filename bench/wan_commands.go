package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/mqtt-e2e/mqtte2e/bench/wan"
)

// Ports of the commands' ends, in places of their own.
const (
	forwardPort = "7001" // at A: what a forward listens on
	sshPort     = "2222" // at B: sshd
)

// commandRows compare what stands on a Conn with it.
func commandRows() (rows []*wanRow) {
	for _, l := range []wan.Link{link(1, 25*time.Millisecond), link(10, 75*time.Millisecond), link(20, 150*time.Millisecond),
		link(50, 25*time.Millisecond), link(100, 5*time.Millisecond)} {
		name := "streams and commands, " + evenName(l.Rate, l.Delay)
		rows = append(rows, &wanRow{name: name, a: l, b: l, command: true,
			run: func(t *bed, m *wanRound) error { return onConn(t, m, name) },
			promises: []promise{
				{what: name + ": mux stream against Conn", key: name + muxKey, against: name + connKey, bound: 0.95},
				{what: name + ": forward -L against Conn", key: name + forwardKey, against: name + connKey, bound: 0.95},
			}})
	}
	for _, rate := range []float64{10, 50} {
		l := link(rate, 25*time.Millisecond)
		name := "ssh, " + evenName(rate, l.Delay)
		rows = append(rows, &wanRow{name: name, a: l, b: l, command: true,
			run: func(t *bed, m *wanRound) error { return overSSH(t, m, name) },
			promises: []promise{
				{what: name + ": through mqtt-e2e connect, against straight", key: name + sshConnKey, against: name + sshKey},
			}})
	}
	return rows
}

// Keys of these rows, behind their names.
const (
	muxKey     = ", mux stream"
	forwardKey = ", forward -L"
	sshKey     = ", ssh straight"
	sshConnKey = ", ssh through mqtt-e2e connect"
)

func onConn(t *bed, m *wanRound, name string) error {
	if err := t.bulk(m, name+connKey, throughBroker("conn")); err != nil {
		return err
	}
	t.settle()
	if err := t.bulk(m, name+muxKey, throughBroker("mux")); err != nil {
		return err
	}
	t.settle()
	p, err := t.forwarded()
	if err != nil {
		return err
	}
	return t.bulk(m, name+forwardKey, p)
}

// forwarded is TCP that the command forwards.
func (t *bed) forwarded() (pair, error) {
	if err := t.commandListens(tcpPort); err != nil {
		return pair{}, err
	}
	return local(), t.launch(t.A, t.command("forward", t.fromA(), "-L", forwardPort))
}

// local is TCP to what a forward listens on at A, which ends at the far end's own loopback.
func local() pair {
	return pair{far: wanSpec{Way: "tcp", Address: "127.0.0.1:" + tcpPort}, near: wanSpec{Way: "tcp", Address: "127.0.0.1:" + forwardPort}}
}

func (t *bed) fromA() string { return "mqtt://" + wan.BrokerFromA + "#wan" }

// commandListens starts the command that serves a port at B, and waits until it answers.
func (t *bed) commandListens(port string) error {
	c := t.command("listen", "mqtt://"+wan.BrokerFromB+"#wan", "--to", "127.0.0.1:"+port)
	if err := t.launch(t.B, c); err != nil {
		return err
	}
	ping := t.command("ping", t.fromA(), "-c", "1")
	var out bytes.Buffer
	ping.Stderr = &out
	if err := t.A.Start(ping); err != nil {
		return err
	}
	if err := ping.Wait(); err != nil {
		return fmt.Errorf("mqtt-e2e ping: %w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// command is the real command, with the bed's key.
func (t *bed) command(args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(t.programs, "mqtt-e2e"), args...)
	c.Env = append(os.Environ(), "MQTT_E2E_KEY="+t.key.Hex())
	return c
}

// buildCommand builds the command into dir.
func buildCommand(ctx context.Context, dir string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", dir+"/", "github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the command: %w: %s", err, out)
	}
	return nil
}
