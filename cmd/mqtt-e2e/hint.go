package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// sshPort is where ssh servers listen (RFC 4253, section 4.1).
const sshPort = 22

// tellPeerCommands tells a person at a terminal what to run on the other side.
func (a *app) tellPeerCommands(s *settings, p place, policy target.Policy) error {
	if a.silent || !ui.IsTerminal(os.Stderr) {
		return nil
	}
	hint, err := a.peerCommands(s, p, policy)
	fmt.Fprint(os.Stderr, hint)
	return err
}

// peerCommands tells a person what to run on the other side, with the settings
// of this one, to reach what a policy serves by default and by name; "" if that
// is nothing.
func (a *app) peerCommands(s *settings, p place, policy target.Policy) (string, error) {
	ports := portFlags(policy)
	if len(ports) == 0 {
		return "", nil
	}
	arguments, err := a.arguments(s, nil) // the key has another file there
	if err != nil {
		return "", err
	}
	command := func(verb string, more ...string) []string {
		return slices.Concat([]string{"mqtt-e2e", verb}, allWords(arguments), []string{p.public()}, more)
	}
	hint := "On the other side, with the same key, run:\n"
	if policy.Default != nil {
		hint += "  " + connectLine(p, policy.Default.Port, command("connect")) + "\nor, to have it on a port:\n"
	}
	return hint + "  " + ui.QuoteAll(command("forward", ports...)) + "\n", nil
}

// connectLine connects to the default target: through ssh if it is its server.
func connectLine(p place, port int, connect []string) string {
	if port != sshPort {
		return ui.QuoteAll(connect)
	}
	return "ssh -o ProxyCommand=" + ui.Quote(proxyCommand(connect)) + " USER@" + p.host()
}

// portFlags returns the flags of a forward to all that a policy serves.
func portFlags(policy target.Policy) (flags []string) {
	taken := make(map[int]bool)
	add := func(to target.Endpoint, service string) {
		port := localPortFor(to.Port)
		for taken[port] {
			port++
		}
		taken[port] = true
		flags = append(flags, "-L", fmt.Sprint(port)+service)
	}
	if policy.Default != nil {
		add(*policy.Default, "")
	}
	for _, name := range slices.Sorted(maps.Keys(policy.Services)) {
		add(policy.Services[name], ":"+name)
	}
	return flags
}

// localPortFor proposes a port for the other side, where ports below 1024 need
// a privilege.
func localPortFor(port int) int {
	const unprivileged, above = 1024, 8000
	if port < unprivileged {
		return above + port
	}
	return port
}

// host is what ssh calls the listener.
func (p place) host() string {
	if p.name == "" {
		return "mqtt"
	}
	return p.name
}
