package address

import (
	"fmt"
	"net"
	"strings"
)

// MaxName is the largest length of a name, bytes: that of a DNS label
// (RFC 1035 section 2.3.4), since a name stands where a host name would.
const MaxName = 63

// A NameError says why a text is not a name. Index is the offset of the first
// byte that may not stand in a name, or -1 if the text is too long.
type NameError struct {
	Length int
	Index  int
}

func (e *NameError) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("a name has at most %d bytes, this one has %d", MaxName, e.Length)
	}
	return fmt.Sprintf("byte %d cannot stand in a name: only a-z 0-9 . _ - can, and A-Z, which count as a-z", e.Index+1)
}

// ParseName returns name in lower case. A name has 0 to MaxName bytes, all of
// them a-z, 0-9, dot, underscore or hyphen; A-Z count as a-z. The error is a
// *NameError and does not repeat the text.
func ParseName(name string) (string, error) {
	if len(name) > MaxName {
		return "", &NameError{Length: len(name), Index: -1}
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return "", &NameError{Length: len(name), Index: i}
		}
	}
	return strings.ToLower(name), nil
}

func nameByte(c byte) bool { return alphanumeric(c) || c == '.' || c == '_' || c == '-' }

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// DialName returns the name in what net.Dialer calls network and address.
// Clients such as http.Transport append a port to every host; it means nothing
// here and is ignored.
func DialName(network, address string) (name string, err error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return "", fmt.Errorf("the network %q cannot be dialled: use tcp", network)
	}
	if strings.Contains(address, ":") {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return "", fmt.Errorf("%q is neither a name nor name:port", address)
		}
		address = host
	}
	return QuoteName(address)
}

// QuoteName is ParseName with an error that repeats the text, for what is
// a name and nothing else.
func QuoteName(text string) (string, error) {
	name, err := ParseName(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a name: %w", text, err)
	}
	return name, nil
}
