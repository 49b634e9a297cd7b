package main

import (
	"fmt"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/sshconfig"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
)

// sshPort is where ssh servers listen (RFC 4253, section 4.1).
const sshPort = 22

// peerCommands tells a person what to run on the other side to reach a default
// target. ssh comes first where the target is its server.
func (p place) peerCommands(to target.Endpoint) string {
	address := p.public()
	var hint strings.Builder
	hint.WriteString("On the other side, with the same key, run:\n")
	if to.Port == sshPort {
		proxy := sshconfig.ProxyCommand([]string{"mqtt-e2e", "connect", address})
		fmt.Fprintf(&hint, "  ssh -o ProxyCommand=%s USER@%s\n", secrets.Quote(proxy), p.host())
	} else {
		fmt.Fprintf(&hint, "  mqtt-e2e connect %s\n", secrets.Quote(address))
	}
	fmt.Fprintf(&hint, "or, to have it on a port:\n  mqtt-e2e forward %s -L %d\n", secrets.Quote(address), localPortFor(to.Port))
	return hint.String()
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
