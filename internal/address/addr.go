package address

import (
	"encoding/hex"
	"net"
)

// An Addr is one end of a Conn. It has the form host:port with port 0, because
// callers such as x/crypto/ssh/knownhosts split addresses, and holds no secret.
type Addr string

var _ net.Addr = Addr("")

// OfListener returns the address of the listener that has name.
func OfListener(name string) Addr {
	if name == "" {
		name = network
	}
	return Addr(name + ":0")
}

// OfDialer returns the address of a dialer. id is the one that logs print, and
// differs from Conn to Conn.
func OfDialer(id [4]byte) Addr { return Addr("peer-" + hex.EncodeToString(id[:]) + ":0") }

// network is what package net calls the network of an address.
const network = "mqtt"

// Network returns "mqtt".
func (Addr) Network() string { return network }

func (a Addr) String() string { return string(a) }
