package main

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// TestTerminalHangup closes the terminal of a listener that reads its keys again at
// each SIGHUP: it ends all the same.
func TestTerminalHangup(t *testing.T) {
	person, program := newTerminal(t)
	directory := t.TempDir()
	if err := secrets.WriteKey(filepath.Join(directory, "door1"), mqtte2e.NewKey()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("mqtt-e2e", "listen", mqtttest.Broker(t)+"#box", "--key-file", directory, "--to", "22")
	cmd.Stderr = program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	defer time.AfterFunc(patience, func() { cmd.Process.Kill() }).Stop()
	lines := bufio.NewScanner(person)
	wait := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("it does not say %q", text)
	}
	wait("listening")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	wait("read the keys again")
	person.Close()
	if code := codeOf(cmd.Wait()); code != exitClean {
		t.Errorf("it exits with %d", code)
	}
}
