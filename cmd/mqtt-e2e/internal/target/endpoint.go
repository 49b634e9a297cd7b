// Package target reads what command lines say of TCP: where ports are to be
// opened, where their connections go, and which targets and ports a peer may
// reach through a listener, which it decides. Host names are compared as text and
// not resolved for that: a name whose address changes between check and use would
// pass any filter. What a name resolves to is checked as it is dialled.
package target

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxHost is the length of the longest host name, bytes: 255 on the wire are
// 253 as text (RFC 1035 section 2.3.4).
const maxHost = 253

// An Endpoint is a TCP target: a host name or an address, and a port.
type Endpoint struct {
	Host string // a name in lower case without the final dot, or an address as netip prints it
	Port int    // 1 to 65535

	unnamed bool // a peer chose it out of many: Dial does not connect to special addresses
}

// String returns the Endpoint as HOST:PORT, with brackets around IPv6.
func (e Endpoint) String() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// Parse reads HOST:PORT, IPv6 in brackets.
func Parse(text string) (Endpoint, error) {
	host, port, err := cutPort(text)
	if err != nil {
		return Endpoint{}, err
	}
	if host, err = parseHost(host); err != nil {
		return Endpoint{}, fmt.Errorf("%q: %w", text, err)
	}
	number, err := parseNumber(port)
	if err != nil {
		return Endpoint{}, fmt.Errorf("%q: %w", text, err)
	}
	return Endpoint{Host: host, Port: number}, nil
}

// cutPort cuts HOST:PORT and removes brackets.
func cutPort(text string) (host, port string, err error) {
	parts, err := splitPort(text, "[::1]:22")
	if err != nil {
		return "", "", err
	}
	if len(parts) < 2 {
		return "", "", fmt.Errorf("%q has no port: write HOST:PORT", text)
	}
	return parts[0], parts[1], nil
}

// parseNumber reads a port, 1 to 65535.
func parseNumber(text string) (int, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("the port is %q: write a number from 1 to 65535", text)
	}
	return int(port), nil
}

// parseHost returns host as it is compared.
func parseHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String(), nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case host == "":
		return "", errors.New("the host is missing: write HOST:PORT")
	case len(host) > maxHost:
		return "", fmt.Errorf("the host has %d characters, more than the %d that DNS allows", len(host), maxHost)
	case strings.ContainsFunc(host, notInHost):
		return "", errors.New("the host has a character that no host name has: write letters, digits, hyphens and dots, other names in their xn-- form")
	case endsInNumber(host):
		return "", errors.New("the host is neither an address nor a name: write an IPv4 address as four decimal numbers")
	}
	return host, nil
}

// endsInNumber recognizes what resolvers take for odd spellings of IPv4, such
// as 0x7f.1 or 2130706433. No name of DNS has such an end.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}

func notInHost(r rune) bool {
	alphanumeric := 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
	return !alphanumeric && r != '.' && r != '-' && r != '_'
}
