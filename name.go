package mqtte2e

import (
	"fmt"
	"net"
	"strings"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
)

// parseName returns name in lower case, or an error that quotes it.
func parseName(name string) (string, error) {
	parsed, err := address.ParseName(name)
	if err != nil {
		return "", fmt.Errorf("mqtte2e: %q is not a name: %w", name, err)
	}
	return parsed, nil
}

// parseNetwork returns the name in what net.Dialer calls network and address.
// Clients such as http.Transport append a port to every host; it means nothing
// here and is ignored.
func parseNetwork(network, address string) (name string, err error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return "", fmt.Errorf("mqtte2e: the network %q cannot be dialled: use tcp", network)
	}
	if strings.Contains(address, ":") {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return "", fmt.Errorf("mqtte2e: %q is neither a name nor name:port", address)
		}
		address = host
	}
	return parseName(address)
}
