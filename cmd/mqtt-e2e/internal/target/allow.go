package target

import (
	"fmt"
	"net/netip"
	"strings"
)

// Any is the word for every host or every port in an Allow.
const Any = "any"

// An Allow is one pattern of Endpoints, as written after --allow.
type Allow struct {
	any    bool         // every host
	prefix netip.Prefix // addresses; invalid if the pattern is a name
	name   string       // a name, compared as text
	port   int          // 0: every port
}

// ParseAllow reads HOST:PORT, where HOST is an address, a name, a CIDR such as
// 10.0.0.0/8, or "any", and PORT a number or "any".
func ParseAllow(text string) (Allow, error) {
	host, port, err := cutPort(text)
	if err != nil {
		return Allow{}, err
	}
	var a Allow
	if port != Any {
		if a.port, err = parseNumber(port); err != nil {
			return Allow{}, fmt.Errorf("%q: %w, or any", text, err)
		}
	}
	if err := a.parseHost(host); err != nil {
		return Allow{}, fmt.Errorf("%q: %w", text, err)
	}
	return a, nil
}

func (a *Allow) parseHost(host string) error {
	if host == Any {
		a.any = true
		return nil
	}
	if strings.Contains(host, "/") {
		return a.parsePrefix(host)
	}
	host, err := parseHost(host)
	if err != nil {
		return err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		a.prefix = netip.PrefixFrom(ip.WithZone(""), ip.BitLen())
		return nil
	}
	a.name = host
	return nil
}

func (a *Allow) parsePrefix(text string) error {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return fmt.Errorf("%q is not a network: write one as 10.0.0.0/8 or [fd00::/8]", text)
	}
	if prefix != prefix.Masked() {
		return fmt.Errorf("the network %s has bits set behind its length: did you mean %s?", prefix, prefix.Masked())
	}
	if prefix.Addr().Is4In6() {
		return fmt.Errorf("the network %s is IPv4 written as IPv6: write it as IPv4", prefix)
	}
	a.prefix = prefix
	return nil
}

// matches reports whether e is of the pattern.
func (a Allow) matches(e Endpoint) bool {
	if a.port != 0 && a.port != e.Port {
		return false
	}
	if a.any {
		return true
	}
	if ip, err := netip.ParseAddr(e.Host); err == nil {
		return a.prefix.IsValid() && a.prefix.Contains(ip.Unmap().WithZone(""))
	}
	return a.name != "" && a.name == e.Host
}

// names reports whether the pattern says itself where it leads, be that special: it
// is a host name, or all of its addresses are special. Networks that merely contain
// special addresses, and any, are not meant for those.
func (a Allow) names() bool { return a.name != "" || a.prefix.IsValid() && special(a.prefix) }
