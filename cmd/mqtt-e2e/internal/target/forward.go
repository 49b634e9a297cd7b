package target

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
)

// A Local is the value of one -L, in the grammar of ssh's flag: connections to
// Bind go where Request says, on the other side.
type Local struct {
	Bind    Port
	Request tunnel.Request
}

// A Remote is the value of one -R: connections to Bind on the other side go to
// Target here.
type Remote struct {
	Bind   Port
	Target Endpoint
}

// String says where connections go.
func (l Local) String() string {
	switch {
	case l.Request.Kind == tunnel.Target:
		return l.Request.Text
	case l.Request.Text != "":
		return "service " + l.Request.Text
	}
	return "the default target"
}

// ParseLocal reads [BIND:]PORT[:HOST:PORT] or [BIND:]PORT:SERVICE. A service is
// never a number, nor is an address.
func ParseLocal(text string) (Local, error) {
	parts, err := splitForward(text)
	if err != nil {
		return Local{}, err
	}
	n := len(parts)
	last := parts[n-1]
	var l Local
	switch {
	case n == 2 && IsNumber(parts[0]) && IsNumber(last):
		return Local{}, fmt.Errorf("a port alone is no target: for port %[2]s of the other machine write %[1]s:127.0.0.1:%[2]s", parts[0], last)
	case n == 1, n == 2 && IsNumber(last):
		l.Request.Kind = tunnel.Service
	case n == 2, n == 3 && !IsNumber(last):
		l.Request, err = tunnel.Request{Kind: tunnel.Service, Text: last}, CheckService(last)
		parts = parts[:n-1]
	case n == 3, n == 4:
		var endpoint Endpoint
		endpoint, err = join(parts[n-2:])
		l.Request = tunnel.Request{Kind: tunnel.Target, Text: endpoint.String()}
		parts = parts[:n-2]
	default:
		return Local{}, errors.New("write [BIND:]PORT, [BIND:]PORT:HOST:PORT or [BIND:]PORT:SERVICE, IPv6 addresses in brackets")
	}
	if l.Bind, err = bind(parts, err); err != nil {
		return Local{}, err
	}
	return l, nil
}

// ParseRemote reads [BIND:]PORT:HOST:PORT.
func ParseRemote(text string) (Remote, error) {
	parts, err := splitForward(text)
	if err != nil {
		return Remote{}, err
	}
	n := len(parts)
	switch {
	case n == 2 && IsNumber(parts[0]) && IsNumber(parts[1]):
		return Remote{}, fmt.Errorf("a port alone is no target: for port %[2]s of this machine write %[1]s:127.0.0.1:%[2]s", parts[0], parts[1])
	case n != 3 && n != 4:
		return Remote{}, errors.New("write [BIND:]PORT:HOST:PORT, IPv6 addresses in brackets")
	}
	var r Remote
	r.Target, err = join(parts[n-2:])
	if r.Bind, err = bind(parts[:n-2], err); err != nil {
		return Remote{}, err
	}
	return r, nil
}

func splitForward(text string) ([]string, error) {
	parts, err := split(text)
	if err != nil {
		return nil, fmt.Errorf("%w, as in [::1]:8080", err)
	}
	return parts, nil
}

// bind returns the Port of one part or two, whose error goes before that of what
// stands behind.
func bind(parts []string, behind error) (Port, error) {
	if len(parts) == 1 {
		parts = []string{Loopback, parts[0]}
	}
	port, err := NewPort(parts[0], parts[1])
	if err == nil {
		err = behind
	}
	return port, err
}

func join(parts []string) (Endpoint, error) {
	host := parts[0]
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return Parse(host + ":" + parts[1])
}
