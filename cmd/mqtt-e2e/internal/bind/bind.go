// Package bind reads where a TCP port is to be opened: [BIND:]PORT, with the
// loopback interface unless told otherwise.
package bind

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/words"
)

// Loopback is the host of an Address that names none.
const Loopback = "127.0.0.1"

// An Address is a port on the interfaces of one host address. Addresses that
// mean the same are equal.
type Address struct {
	Host string // an IP address; empty: every interface
	Port int    // 0 to 65535; 0: any free one
}

// String returns the Address as net.Listen takes it, with * for every
// interface.
func (a Address) String() string {
	if a.Host == "" {
		return "*:" + strconv.Itoa(a.Port)
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// Listen opens the port.
func (a Address) Listen() (net.Listener, error) {
	return Open(net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
}

// Open opens a port as net.Listen does.
func Open(hostPort string) (net.Listener, error) {
	listener, err := net.Listen("tcp", hostPort)
	if err != nil {
		return nil, words.New(err, "the port %s %s", hostPort, closed(err))
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
	return "cannot be opened: " + words.Reason(err)
}

// IsLoopback reports whether only this machine can reach the port.
func (a Address) IsLoopback() bool {
	ip, err := netip.ParseAddr(a.Host)
	return err == nil && ip.IsLoopback()
}

// Parse reads PORT or BIND:PORT. BIND is an IP address (IPv6 in brackets),
// localhost, or, as in ssh, * or nothing for every interface.
func Parse(text string) (Address, error) {
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return New(Loopback, text)
	}
	host := text[:colon]
	if inside, ok := strings.CutPrefix(host, "["); ok {
		inside, ok = strings.CutSuffix(inside, "]")
		if !ok || !strings.Contains(inside, ":") {
			return Address{}, fmt.Errorf("%q: brackets are for IPv6 addresses only, as in [::1]:8080", text)
		}
		return New(inside, text[colon+1:])
	}
	if strings.Contains(host, ":") {
		return Address{}, fmt.Errorf("%q: put an IPv6 address in brackets, as in [::1]:8080", text)
	}
	return New(host, text[colon+1:])
}

// New returns the Address of a host and a port that were cut apart.
func New(host, port string) (Address, error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Address{}, fmt.Errorf("the port is %q: write a number from 0 to 65535", port)
	}
	switch host {
	case "", "*":
		return Address{Port: int(number)}, nil
	case "localhost":
		return Address{Loopback, int(number)}, nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return Address{}, fmt.Errorf("%q is no address to open a port on: write an IP address of this machine, localhost, or * for every interface", host)
	}
	return Address{ip.Unmap().String(), int(number)}, nil
}
