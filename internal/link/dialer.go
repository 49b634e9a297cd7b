package link

import (
	"context"
	"net"
	"net/netip"
	"slices"
)

// maxAddresses is how many addresses of a name are tried. A round of them takes 4 s, so that dialTimeout has time for three.
const maxAddresses = 16

// dialer connects by TCP to names that have several addresses. It asks for them each time, as a name moves when its server does.
// The run loop owns it.
type dialer struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	dial   dialFunc
	last   netip.Addr // where the last connection led
}

func newDialer() *dialer { return &dialer{lookup: lookup, dial: new(net.Dialer).DialContext} }

// lookup asks the system for the addresses of a name; package net remembers none. Its LookupNetIP would lose zones.
func lookup(ctx context.Context, host string) (addresses []netip.Addr, err error) {
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	for _, ip := range found {
		if address, ok := netip.AddrFromSlice(ip.IP); ok {
			addresses = append(addresses, address.Unmap().WithZone(ip.Zone))
		}
	}
	return addresses, err
}

// dialed is a connection and where it leads.
type dialed struct {
	net.Conn
	address netip.Addr
}

// DialContext races the addresses of a host (RFC 8305).
func (d *dialer) DialContext(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	ask := func(ctx context.Context, _ int) ([]netip.Addr, error) { return d.lookup(ctx, host) }
	found, err := race(ctx, 1, ask, func([]netip.Addr) {})
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	addresses := order(found, d.last)
	dial := func(ctx context.Context, i int) (dialed, error) {
		conn, err := d.dial(ctx, network, net.JoinHostPort(addresses[i].String(), port))
		return dialed{conn, addresses[i]}, err
	}
	first, err := race(ctx, len(addresses), dial, func(late dialed) { late.Close() })
	if err != nil {
		return nil, err
	}
	d.last = first.address
	return first.Conn, nil
}

// order puts addresses into the order of a race: IPv6 and IPv4 in turns, beginning with what the resolver prefers (RFC 8305,
// section 4), and the one of the last connection at the end, in case it was the reason why that is over.
func order(found []netip.Addr, last netip.Addr) []netip.Addr {
	var preferred, other, ordered []netip.Addr
	for _, address := range found {
		if address.Is4() == found[0].Is4() {
			preferred = append(preferred, address)
		} else {
			other = append(other, address)
		}
	}
	for i := range max(len(preferred), len(other)) {
		ordered = append(ordered, preferred[min(i, len(preferred)):min(i+1, len(preferred))]...)
		ordered = append(ordered, other[min(i, len(other)):min(i+1, len(other))]...)
	}
	ordered = ordered[:min(len(ordered), maxAddresses)]
	if i := slices.Index(ordered, last); i >= 0 {
		ordered = append(slices.Delete(ordered, i, i+1), last)
	}
	return ordered
}
