package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTerminal returns both ends of a terminal: a person's and a program's.
func newTerminal(t *testing.T) (person, program *os.File) {
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, terminal *os.File) bool {
	settings, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return settings.Lflag&unix.ECHO != 0
}

// TestInterruptedImport types Ctrl-C where a key is asked for.
func TestInterruptedImport(t *testing.T) {
	person, program := newTerminal(t)
	file := filepath.Join(t.TempDir(), "key")
	cmd := exec.Command("mqtt-e2e", "keygen", "--import", "-o", file)
	cmd.Stdin = program
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(patience, func() { cmd.Process.Kill() }).Stop()
	if !eventually(func() bool { return !echoes(t, program) }) {
		t.Error("the echo stays on")
	}
	if _, err := person.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if code := codeOf(cmd.Wait()); code != exitKey {
		t.Errorf("it exits with %d, having said %q", code, &said)
	}
	if !echoes(t, program) {
		t.Error("the echo is not restored")
	}
	if _, err := os.Lstat(file); err == nil {
		t.Error("there is a key")
	}
}
