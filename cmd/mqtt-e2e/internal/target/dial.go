package target

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/ui"
)

// Dial connects to the target.
func (e Endpoint) Dial() (net.Conn, error) {
	dialer := net.Dialer{Timeout: tunnel.DialTimeout, Control: e.control}
	conn, err := dialer.Dial("tcp", e.String())
	switch {
	case errors.Is(err, ErrNotAllowed):
		return nil, ui.Wrap(ErrNotAllowed, "target %s: loopback, link-local, multicast and unspecified addresses are %s unless named: start it again with --allow %[1]s", e, ErrNotAllowed)
	case err != nil:
		return nil, ui.Wrap(err, "the target %s cannot be reached: %s: check that something listens there", e, ui.Reason(err))
	}
	return conn, nil
}

// control sees each address that Dial is about to connect to.
func (e Endpoint) control(_, address string, _ syscall.RawConn) error {
	if !e.unnamed {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr().Unmap().WithZone(""); special(netip.PrefixFrom(ip, ip.BitLen())) {
		return ErrNotAllowed
	}
	return nil
}

// specials are the networks that mean this machine, its neighbours, or nobody in
// particular (RFC 6890, RFC 4291), and their IPv4 ones as translators write them in
// IPv6. Who lets a peer choose among all addresses, or all of a network, does not
// mean these: services trust whoever comes from there.
var specials = func() (all []netip.Prefix) {
	for _, text := range []string{
		"::/128", "::1/128", "fe80::/10", "ff00::/8",
		"64:ff9b:1::/48", // a translator of this network's own, with IPv4 anywhere in it (RFC 8215)
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	for _, text := range []string{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"} {
		ipv4 := netip.MustParsePrefix(text)
		all = append(all, ipv4)
		for _, translator := range []string{
			"::/96",           // IPv4-compatible (RFC 4291)
			"::ffff:0:0:0/96", // IPv4-translated (RFC 2765)
			"64:ff9b::/96",    // NAT64 (RFC 6052)
			"2002::/16",       // 6to4 (RFC 3056)
		} {
			all = append(all, within(netip.MustParsePrefix(translator), ipv4))
		}
	}
	return all
}()

// within returns ipv4 as it is behind the prefix of a translator.
func within(translator, ipv4 netip.Prefix) netip.Prefix {
	ip, ip4 := translator.Addr().As16(), ipv4.Addr().As4()
	copy(ip[translator.Bits()/8:], ip4[:])
	return netip.PrefixFrom(netip.AddrFrom16(ip), translator.Bits()+ipv4.Bits())
}

// special reports whether all addresses of a network are.
func special(p netip.Prefix) bool {
	return slices.ContainsFunc(specials, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) })
}
