package main

import (
	"runtime"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// sshName is ssh's token for the host as it was typed.
const sshName = "%n"

// hostBlock returns a Host block for ~/.ssh/config under which ssh reaches its
// server through command, the words of a program and its arguments.
func hostBlock(host string, command []string) string {
	return "Host " + host + "\n    ProxyCommand " + proxyCommand(command) + "\n"
}

// fleetBlock is hostBlock for every host that pattern matches. sshName in a word
// of the command stays what ssh replaces.
func fleetBlock(pattern string, command []string) string {
	escaped := strings.ReplaceAll(sshName, "%", "%%")
	return strings.ReplaceAll(hostBlock(pattern, command), escaped, sshName)
}

// proxyCommand returns the value of ssh's option. ssh replaces %-tokens in it
// and gives it to the user's shell.
func proxyCommand(command []string) string {
	line := ui.QuoteAll(command)
	if runtime.GOOS == "windows" {
		line = windowsLine(command)
	}
	return strings.ReplaceAll(line, "%", "%%")
}

// windowsLine quotes words as CommandLineToArgvW reads them; none has a quote in
// it, which no file name of Windows can have.
func windowsLine(command []string) string {
	quoted := make([]string, len(command))
	for i, word := range command {
		quoted[i] = word
		if ui.Quote(word) != word {
			quoted[i] = `"` + word + `"`
		}
	}
	return strings.Join(quoted, " ")
}
