package main

import (
	"runtime"
	"strings"
)

// sshName is ssh's token for the host as it was typed.
const sshName = "%n"

// hostBlock returns a Host block under which ssh reaches its server through
// command, the words of a program and its arguments.
func hostBlock(host string, command []string) string {
	return "Host " + host + "\n    ProxyCommand " + proxyCommand(command) + "\n"
}

// fleetBlock is hostBlock for every host that pattern matches. sshName in a word of
// the command stays what ssh replaces.
func fleetBlock(pattern string, command []string) string {
	escaped := strings.ReplaceAll(sshName, "%", "%%")
	return strings.ReplaceAll(hostBlock(pattern, command), escaped, sshName)
}

// proxyCommand returns the value of ssh's option. ssh replaces %-tokens in it
// and gives it to the user's shell.
func proxyCommand(command []string) string {
	quote := posix
	if runtime.GOOS == "windows" {
		quote = windows
	}
	words := make([]string, len(command))
	for i, word := range command {
		words[i] = quote(word)
	}
	return strings.ReplaceAll(strings.Join(words, " "), "%", "%%")
}

// posix quotes a word for the shells of Unix.
func posix(word string) string {
	if plain(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// windows quotes a word as CommandLineToArgvW reads it; no such word has a
// quote in it, which no file name of Windows can have.
func windows(word string) string {
	if plain(word) && !strings.Contains(word, `\`) {
		return word
	}
	return `"` + word + `"`
}

// plain reports whether no shell sees anything special in word. A # is special
// at the beginning only.
func plain(word string) bool {
	return word != "" && word[0] != '#' && !strings.ContainsFunc(word, func(r rune) bool {
		alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !alphanumeric && !strings.ContainsRune("/.,:_-+=@#", r)
	})
}
