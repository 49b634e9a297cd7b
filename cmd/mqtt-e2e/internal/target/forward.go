package target

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
)

// A Local is the value of one -L: connections to Bind go to the far side's
// Target or, if it is nil, Service.
type Local struct {
	Bind    Port
	Target  *Endpoint
	Service string // empty: the far side's default target
}

// A Remote is the value of one -R: connections to Bind on the far side go to
// Target here.
type Remote struct {
	Bind   Port
	Target Endpoint
}

var errLocal = errors.New("write [BIND:]PORT, [BIND:]PORT:HOST:PORT or [BIND:]PORT:SERVICE, IPv6 addresses in brackets")

// ParseLocal reads [BIND:]PORT[:HOST:PORT] or [BIND:]PORT:SERVICE.
func ParseLocal(text string) (Local, error) {
	l, err := parseLocal(text)
	if err != nil {
		return Local{}, fmt.Errorf("-L %s: %w", text, err)
	}
	return l, nil
}

func parseLocal(text string) (Local, error) {
	parts, err := split(text)
	if err != nil {
		return Local{}, err
	}
	switch len(parts) {
	case 1:
		return localDefault(Loopback, parts[0])
	case 2:
		// BIND:PORT or PORT:SERVICE: a service is never a number, nor is an address.
		if IsNumber(parts[0]) && IsNumber(parts[1]) {
			return Local{}, fmt.Errorf("a port alone is no target: for port %[2]s of the other machine write %[1]s:127.0.0.1:%[2]s", parts[0], parts[1])
		}
		if IsNumber(parts[1]) {
			return localDefault(parts[0], parts[1])
		}
		return localService(Loopback, parts[0], parts[1])
	case 3:
		// PORT:HOST:PORT or BIND:PORT:SERVICE.
		if IsNumber(parts[2]) {
			return localTarget(Loopback, parts[0], parts[1:])
		}
		return localService(parts[0], parts[1], parts[2])
	case 4:
		return localTarget(parts[0], parts[1], parts[2:])
	}
	return Local{}, errLocal
}

func localDefault(host, port string) (Local, error) {
	address, err := NewPort(host, port)
	return Local{Bind: address}, err
}

func localService(host, port, service string) (Local, error) {
	address, err := NewPort(host, port)
	if err != nil {
		return Local{}, err
	}
	if err := CheckService(service); err != nil {
		return Local{}, err
	}
	return Local{Bind: address, Service: service}, nil
}

func localTarget(host, port string, hostPort []string) (Local, error) {
	address, err := NewPort(host, port)
	if err != nil {
		return Local{}, err
	}
	endpoint, err := join(hostPort)
	if err != nil {
		return Local{}, err
	}
	return Local{Bind: address, Target: &endpoint}, nil
}

// ParseRemote reads [BIND:]PORT:HOST:PORT.
func ParseRemote(text string) (Remote, error) {
	r, err := parseRemote(text)
	if err != nil {
		return Remote{}, fmt.Errorf("-R %s: %w", text, err)
	}
	return r, nil
}

func parseRemote(text string) (Remote, error) {
	parts, err := split(text)
	if err != nil {
		return Remote{}, err
	}
	if len(parts) == 2 && IsNumber(parts[0]) && IsNumber(parts[1]) {
		return Remote{}, fmt.Errorf("a port alone is no target: for port %[2]s of this machine write %[1]s:127.0.0.1:%[2]s", parts[0], parts[1])
	}
	if len(parts) == 3 {
		parts = append([]string{Loopback}, parts...)
	}
	if len(parts) != 4 {
		return Remote{}, errors.New("write [BIND:]PORT:HOST:PORT, IPv6 addresses in brackets")
	}
	address, err := NewPort(parts[0], parts[1])
	if err != nil {
		return Remote{}, err
	}
	endpoint, err := join(parts[2:])
	if err != nil {
		return Remote{}, err
	}
	return Remote{Bind: address, Target: endpoint}, nil
}

// ParseDynamic reads [BIND:]PORT.
func ParseDynamic(text string) (Port, error) {
	address, err := ParsePort(text)
	if err != nil {
		return Port{}, fmt.Errorf("-D %s: %w", text, err)
	}
	return address, nil
}

// split cuts text at its colons, but not inside brackets, which it removes.
func split(text string) ([]string, error) {
	var parts []string
	for {
		part, rest, err := cut(text)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if rest == "" {
			return parts, nil
		}
		text = rest[1:]
	}
}

// cut returns the first part of text, and the rest with its colon.
func cut(text string) (part, rest string, err error) {
	if !strings.HasPrefix(text, "[") {
		if i := strings.IndexByte(text, ':'); i >= 0 {
			return text[:i], text[i:], nil
		}
		return text, "", nil
	}
	inside, rest, ok := strings.Cut(text[1:], "]")
	if !ok || !strings.Contains(inside, ":") || rest != "" && rest[0] != ':' {
		return "", "", errors.New("brackets are for IPv6 addresses only, as in [::1]:8080")
	}
	return inside, rest, nil
}

func join(hostPort []string) (Endpoint, error) {
	host := hostPort[0]
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return Parse(host + ":" + hostPort[1])
}

// Request returns what the far side is asked for.
func (l Local) Request() tunnel.Request {
	if l.Target != nil {
		return tunnel.Request{Kind: tunnel.Target, Text: l.Target.String()}
	}
	return tunnel.Request{Kind: tunnel.Service, Text: l.Service}
}

// String says where connections go.
func (l Local) String() string {
	switch {
	case l.Target != nil:
		return l.Target.String()
	case l.Service != "":
		return "service " + l.Service
	}
	return "the default target"
}
