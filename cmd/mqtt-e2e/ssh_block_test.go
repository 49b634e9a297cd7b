package main

import (
	"os/exec"
	"strings"
	"testing"
)

var words = []string{"/opt/my tools/mqtt-e2e", "mqtts://me%40here@h:1#box", "mqtt://h#box", "#", "#box", "it's", "$HOME", "`id`", "", "a\\b", "--topic-prefix", "ünï ✓", "*", "~", "x;y&z|w>v<u"}

// TestShellReadsTheWords gives the command to a real shell, as ssh does after
// replacing %%.
func TestShellReadsTheWords(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	command := make([]string, len(words))
	for i, word := range words {
		command[i] = posix(word)
	}
	out, err := exec.Command(shell, "-c", "printf '%s\\n' "+strings.Join(command, " ")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(words, "\n") + "\n"; string(out) != want {
		t.Errorf("the shell reads\n%swant\n%s", out, want)
	}
}

func TestHostBlock(t *testing.T) {
	got := hostBlock("box", []string{"mqtt-e2e", "connect", "a%40b"})
	if want := "Host box\n    ProxyCommand mqtt-e2e connect "; !strings.HasPrefix(got, want) || !strings.Contains(got, "a%%40b") {
		t.Errorf("the block is\n%s", got)
	}
}

func TestFleetBlock(t *testing.T) {
	got := fleetBlock("*.fleet", []string{"mqtt-e2e", "connect", "--key-file", "50%/%n", "mqtt://a%40b@h", "-n", sshName})
	for _, want := range []string{"Host *.fleet\n", "50%%/%n", "a%%40b", " -n "} {
		if !strings.Contains(got, want) {
			t.Errorf("the block lacks %q:\n%s", want, got)
		}
	}
}

func TestWindows(t *testing.T) {
	if got := windows(`C:\Program Files\mqtt-e2e.exe`); got != `"C:\Program Files\mqtt-e2e.exe"` {
		t.Errorf("quoted as %s", got)
	}
}
