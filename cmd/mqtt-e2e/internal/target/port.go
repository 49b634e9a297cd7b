package target

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// Loopback is the host of a Port that names none.
const Loopback = "127.0.0.1"

// A Port is a TCP port on the interfaces of one host address. Ports that
// mean the same are equal.
type Port struct {
	Host   string // an IP address; empty: every interface
	Number int    // 0 to 65535; 0: any free one
}

// String returns the Port as net.Listen takes it, with * for every
// interface.
func (p Port) String() string {
	if p.Host == "" {
		return "*:" + strconv.Itoa(p.Number)
	}
	return net.JoinHostPort(p.Host, strconv.Itoa(p.Number))
}

// Listen opens the port.
func (p Port) Listen() (net.Listener, error) {
	return OpenPort(net.JoinHostPort(p.Host, strconv.Itoa(p.Number)))
}

// OpenPort opens a port as net.Listen does.
func OpenPort(hostPort string) (net.Listener, error) {
	listener, err := net.Listen("tcp", hostPort)
	if err != nil {
		return nil, ui.Wrap(err, "the port %s %s", hostPort, closed(err))
	}
	return listener, nil
}

// closed says why a port cannot be opened, and what to do.
func closed(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "is in use: choose another, or end the program that has it"
	case errors.Is(err, syscall.EACCES):
		return "may not be opened by this user: choose one above 1023"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "is at an address that this machine does not have: choose another"
	}
	return "cannot be opened: " + ui.Reason(err)
}

// IsLoopback reports whether only this machine can reach the port.
func (p Port) IsLoopback() bool {
	ip, err := netip.ParseAddr(p.Host)
	return err == nil && ip.IsLoopback()
}

// ParsePort reads PORT or BIND:PORT. BIND is an IP address (IPv6 in brackets),
// localhost, or, as in ssh, * or nothing for every interface.
func ParsePort(text string) (Port, error) {
	parts, err := splitPort(text, "[::1]:8080")
	if err != nil {
		return Port{}, err
	}
	return bind(parts, nil)
}

// NewPort returns the Port of a host and a port that were cut apart.
func NewPort(host, port string) (Port, error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Port{}, fmt.Errorf("the port is %q: write a number from 0 to 65535", port)
	}
	switch host {
	case "", "*":
		return Port{Number: int(number)}, nil
	case "localhost":
		return Port{Loopback, int(number)}, nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return Port{}, fmt.Errorf("%q is no address to open a port on: write an IP address of this machine, localhost, or * for every interface", host)
	}
	return Port{ip.Unmap().String(), int(number)}, nil
}
