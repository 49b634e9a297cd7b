package ui

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
	out, err := exec.Command(shell, "-c", "printf '%s\\n' "+QuoteAll(words)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(words, "\n") + "\n"; string(out) != want {
		t.Errorf("the shell reads\n%swant\n%s", out, want)
	}
}
