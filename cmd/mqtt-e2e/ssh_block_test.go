package main

import (
	"strings"
	"testing"
)

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
	got := windowsLine([]string{`C:\Program Files\mqtt-e2e.exe`, "connect", "mqtts://h#box"})
	if got != `"C:\Program Files\mqtt-e2e.exe" connect mqtts://h#box` {
		t.Errorf("quoted as %s", got)
	}
}
