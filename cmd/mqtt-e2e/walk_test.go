package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// machines are those of a walk-through in a document, each a home directory.
type machines struct {
	t       *testing.T
	program string
	address string // of the broker
	root    string
	listens map[string]*process // by machine, the one that was started last
}

func (m *machines) home(name string) string { return filepath.Join(m.root, name) }

// command returns a line for a machine's shell.
func (m *machines) command(machine, line string) *exec.Cmd {
	line = strings.ReplaceAll(line, "mqtts://broker.example", m.address)
	if listen := m.listens[machine]; listen != nil {
		line = strings.ReplaceAll(line, "PID", strconv.Itoa(listen.Process.Pid))
	}
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = m.home(machine)
	if err := os.MkdirAll(filepath.Join(cmd.Dir, ".ssh"), 0o700); err != nil {
		m.t.Fatal(err)
	}
	cmd.Env = []string{"HOME=" + cmd.Dir, "PATH=" + filepath.Dir(m.program) + ":" + os.Getenv("PATH")}
	return cmd
}

// follow does what a line says. A key that is to be pasted is the operator's file
// for the machine.
func (m *machines) follow(machine, line string) {
	m.t.Helper()
	cmd := m.command(machine, line)
	if strings.Contains(line, " listen ") {
		cmd.Args[2] = "exec " + cmd.Args[2]
		m.listens[machine] = launchCommand(m.t, cmd)
		m.listens[machine].waitFor("listening")
		return
	}
	if strings.Contains(line, " --import ") {
		key, err := os.Open(filepath.Join(m.home("operator"), "peers", machine))
		if err != nil {
			m.t.Fatal(err)
		}
		defer key.Close()
		cmd.Stdin = key
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%s$ %s: %v\n%s", machine, line, err, said)
	}
}

// fails wants a line to end with an exit code.
func (m *machines) fails(code int, machine, line string) {
	m.t.Helper()
	said, err := m.command(machine, line).CombinedOutput()
	if got := codeOf(err); got != code {
		m.t.Errorf("%s$ %s: exit code %d, want %d\n%s", machine, line, got, code, said)
	}
}

// prompt matches a line of a walk-through: the machine, what is typed, and not the
// remark behind it.
var prompt = regexp.MustCompile(`(?m)^([a-z]+\d?)\$ +(.*?)(?:  +# .*)?$`)

// TestFleetWalkThrough does what docs/command.md says, to the letter. What it says
// of door1 is done for the other devices too.
func TestFleetWalkThrough(t *testing.T) {
	need(t, "go", "sh")
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/command.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## A key for each device\n")
	section, _, _ = strings.Cut(section, "\n## ")
	before, after, stolen := strings.Cut(section, "\nNow door2 is stolen.")
	if !stolen {
		t.Fatal("nothing is stolen")
	}
	m := &machines{t: t, program: program, address: mqtttest.Broker(t), root: t.TempDir(), listens: make(map[string]*process)}
	m.walk(before)
	checkReadMe(t, section)
	const reach, office = "mqtt-e2e ping -c 1 --timeout 2s mqtts://broker.example#", "mqtts://broker.example#office"
	for _, device := range []string{"door1", "door2", "door3"} {
		m.follow("operator", reach+device+" --fleet-key-file fleet.key")
		m.follow(device, reach+"office")
	}
	m.fails(exitNoAnswer, "door2", reach+"door1")
	forward := launchCommand(t, m.command("door2", "exec mqtt-e2e forward "+office+" -L 0"))
	forward.waitFor("connected to the listener")
	m.walk(after)
	forward.waitFor("any more: who runs it has shut that out, or changed it; connecting again")
	m.fails(exitNoAnswer, "door2", reach+"office")
	m.follow("door1", reach+"office")
	m.follow("operator", reach+"door3 --fleet-key-file fleet.key")
}

// checkReadMe wants what the README says of devices to stand in a section, which is
// longer.
func checkReadMe(t *testing.T, section string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, line := range prompt.FindAllString(string(text), -1) {
		if !strings.HasPrefix(line, "operator$") && !strings.HasPrefix(line, "door1$") {
			continue
		}
		found++
		if !strings.Contains(section, "\n"+line+"\n") {
			t.Errorf("the README has %q, docs/command.md has not", line)
		}
	}
	if found < 4 {
		t.Errorf("the README has only %d lines", found)
	}
}

// walk follows the lines of a text.
func (m *machines) walk(text string) {
	m.t.Helper()
	lines := prompt.FindAllStringSubmatch(text, -1)
	if len(lines) < 4 {
		m.t.Fatalf("the document has only %q", lines)
	}
	for _, line := range lines {
		m.follow(line[1], line[2])
		for _, other := range []string{"door2", "door3"} {
			if line[1] == "door1" {
				m.follow(other, strings.ReplaceAll(line[2], "door1", other))
			}
		}
	}
}
