package mqtte2e

import (
	"encoding/hex"
	"net"
)

// addr is one end of a Conn. It has the form host:port with port 0, because
// callers such as x/crypto/ssh/knownhosts split addresses, and holds no secret.
type addr string

var _ net.Addr = addr("")

// nameAddr is the address of the listener that has name.
func nameAddr(name string) addr {
	if name == "" {
		name = "mqtt"
	}
	return addr(name + ":0")
}

// peerAddr is the address of a dialer. id is the one that logs print, and
// differs from Conn to Conn.
func peerAddr(id [4]byte) addr { return addr("peer-" + hex.EncodeToString(id[:]) + ":0") }

// Network returns "mqtt".
func (addr) Network() string { return "mqtt" }

func (a addr) String() string { return string(a) }
