package address

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// parseHost returns host:port in the spelling that net.Dial takes, the host in
// lower case. Its errors quote nothing: in an address whose host was forgotten,
// such as mqtt://user:password, the password stands where the port belongs.
func parseHost(text string, defaultPort int) (string, error) {
	host, port, err := splitHost(text)
	if err != nil {
		return "", err
	}
	if port == "" {
		return net.JoinHostPort(host, strconv.Itoa(defaultPort)), nil
	}
	number, err := parsePort(port[1:])
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(number)), nil
}

// splitHost splits host from ":port", which is empty if there is no colon, and
// checks the host.
func splitHost(text string) (host, port string, err error) {
	if strings.Contains(text, ",") {
		return "", "", errors.New("a comma follows its host, and no scheme:// follows the comma; each broker has a scheme of its own, as in mqtt://a.example,mqtt://b.example")
	}
	if strings.HasPrefix(text, "[") {
		return splitIPv6(text)
	}
	if strings.Count(text, ":") > 1 {
		return "", "", errors.New("it has more than one colon after ://; put an IPv6 address in brackets: mqtt://[::1]:1883")
	}
	host, port = text, ""
	if i := strings.IndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i:]
	}
	if host == "" {
		return "", "", errors.New("it names no broker; the host stands after ://, as in mqtt://broker.example#thermostat")
	}
	return strings.ToLower(host), port, checkHostName(host)
}

func splitIPv6(text string) (host, port string, err error) {
	inside, port, ok := strings.Cut(text[1:], "]")
	if !ok {
		return "", "", errors.New("the bracket of its IPv6 address is not closed; write [::1]")
	}
	if port != "" && port[0] != ':' {
		return "", "", errors.New("something other than :port follows the bracket of its IPv6 address; write [::1]:1883")
	}
	// RFC 6874 writes the percent sign before a zone as %25.
	inside = strings.Replace(inside, "%25", "%", 1)
	ip, err := netip.ParseAddr(inside)
	if err != nil || !ip.Is6() || !plainZone(ip.Zone()) {
		return "", "", errors.New("what stands in brackets is not an IPv6 address; write brackets around IPv6 addresses only, as in [::1]:1883")
	}
	return ip.String(), port, nil
}

// plainZone keeps zones to what interface names consist of, so that an address
// that was printed reads back as the same.
func plainZone(zone string) bool {
	for i := range len(zone) {
		if !nameByte(zone[i]) {
			return false
		}
	}
	return true
}

func checkHostName(host string) error {
	for i := range len(host) {
		switch c := host[i]; {
		case nameByte(c):
		case c >= 0x80:
			return errors.New("its host has characters outside ASCII; write the xn-- form of the name")
		default:
			return errors.New("its host has a character that no host name has; a host has letters, digits, hyphens and dots")
		}
	}
	// RFC 1035 section 2.3.4: 255 bytes on the wire are 253 characters.
	if len(host) > 253 {
		return errors.New("its host is longer than 253 characters, more than DNS allows")
	}
	return nil
}

func parsePort(text string) (int, error) {
	if text == "" {
		return 0, errors.New("its port is empty; leave out the colon for the default port")
	}
	for i := range len(text) {
		if text[i] < '0' || '9' < text[i] {
			return 0, errors.New("what follows the host's colon is not a number; a port does, and user:password stand before the host, ended by @")
		}
	}
	port, err := strconv.Atoi(text)
	if err != nil || port > 65535 {
		return 0, errors.New("its port is above 65535")
	}
	if port == 0 {
		return 0, errors.New("its port is 0, where nothing can listen; leave out :0 for the default port")
	}
	return port, nil
}
