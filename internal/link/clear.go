package link

import (
	"net"
	"net/netip"
	"strings"
)

// warnInClear says that what proves to the broker who we are travels in the clear, if it does: user and password, or the query
// of a WebSocket address, which may hold a token.
func (c *Config) warnInClear() {
	secure := map[string]string{"mqtt": "mqtts://", "ws": "wss://"}[c.Broker.Scheme]
	secret := c.Broker.Username != "" || c.Broker.Password != "" || strings.Contains(c.Broker.Path, "?")
	if secure != "" && secret && !loopback(c.Broker.Host) {
		c.Logger.Warn("everybody on the way to the broker can read the credentials for it: write "+secure+" in its address", "host", c.Broker.Host)
	}
}

// loopback tells whether what is sent to host:port stays on this machine.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761, section 6.3
	}
	return ip.Unmap().IsLoopback()
}
