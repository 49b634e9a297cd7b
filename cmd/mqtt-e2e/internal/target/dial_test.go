package target

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

// A spelling is a way to write a host, of an address or a name.
type spelling struct {
	host    string
	special bool // it stands for loopback, link-local, multicast or unspecified addresses
	odd     bool // no address and no name: refused however harmless
}

// spellingsOf4 returns the ways to write an IPv4 address that are known to have
// passed a filter somewhere.
func spellingsOf4(ip [4]byte, special bool) (all []spelling) {
	a, b, c, d := ip[0], ip[1], ip[2], ip[3]
	n, high, low := binary.BigEndian.Uint32(ip[:]), uint16(a)<<8|uint16(b), uint16(c)<<8|uint16(d)
	dotted := fmt.Sprintf("%d.%d.%d.%d", a, b, c, d)
	for _, host := range []string{
		dotted,
		fmt.Sprintf("[::ffff:%s]", dotted), fmt.Sprintf("[::FFFF:%s]", dotted), fmt.Sprintf("[::ffff:%x:%x]", high, low),
		fmt.Sprintf("[0:0:0:0:0:ffff:%s]", dotted), fmt.Sprintf("[0000:0000:0000:0000:0000:ffff:%04x:%04x]", high, low), fmt.Sprintf("[::ffff:%x:%x%%eth0]", high, low),
		fmt.Sprintf("[::%x:%x]", high, low), fmt.Sprintf("[0:0:0:0:0:0:%s]", dotted), fmt.Sprintf("[::%s]", dotted),
		fmt.Sprintf("[::ffff:0:%x:%x]", high, low), fmt.Sprintf("[::ffff:0:%s]", dotted),
		fmt.Sprintf("[64:ff9b::%s]", dotted), fmt.Sprintf("[64:ff9b::%x:%x]", high, low), fmt.Sprintf("[0064:FF9B:0:0:0:0:%x:%x]", high, low),
		fmt.Sprintf("[2002:%x:%x::]", high, low), fmt.Sprintf("[2002:%x:%x::1]", high, low), fmt.Sprintf("[2002:%04X:%04X:0:0:0:0:1]", high, low),
	} {
		all = append(all, spelling{host, special, false})
	}
	for _, host := range []string{fmt.Sprintf("[64:ff9b:1::%s]", dotted), fmt.Sprintf("[64:ff9b:1:%x:%02x:%02x%02x::]", high, c, d, 0)} {
		all = append(all, spelling{host, true, false})
	}
	for _, host := range []string{
		fmt.Sprint(n), fmt.Sprintf("%#x", n), fmt.Sprintf("0X%X", n), fmt.Sprintf("%#o", n), fmt.Sprintf("%#x.", n),
		fmt.Sprintf("%d.%d", a, n&0xffffff), fmt.Sprintf("%d.%d.%d", a, b, low), fmt.Sprintf("%#x.%#x.%#x.%#x", a, b, c, d), fmt.Sprintf("%#x.%d", a, n&0xffffff),
		fmt.Sprintf("0%o.0%o.0%o.0%o", a, b, c, d), fmt.Sprintf("%03d.%03d.%03d.%03d", a, b, c, d), fmt.Sprintf("%d.%d.%d.0%o", a, b, c, d), fmt.Sprintf("%d.%d.%d.%#x", a, b, c, d),
		dotted + ".", dotted + "..", "." + dotted, dotted + " ", " " + dotted, dotted + "%0", dotted + "/32", "[" + dotted + "]", "[" + dotted, dotted + "]", dotted + "\x00", dotted + "#", "x@" + dotted,
		strings.ReplaceAll(dotted, ".", "。"), strings.Map(func(r rune) rune {
			if r != '.' {
				r += '０' - '0'
			}
			return r
		}, dotted),
		"::ffff:" + dotted, fmt.Sprintf("[::ffff:%s.]", dotted), fmt.Sprintf("[::ffff:%#x]", n), fmt.Sprintf("[[::ffff:%s]]", dotted),
	} {
		all = append(all, spelling{host, special, host != dotted})
	}
	return all
}

// spellings returns those of addresses of both kinds, and of names that resolve
// to them.
func spellings() (all []spelling) {
	for _, text := range []string{"127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "224.0.0.1", "239.255.255.255"} {
		all = append(all, spellingsOf4(netip.MustParseAddr(text).As4(), true)...)
	}
	for _, text := range []string{"192.0.2.7", "10.127.0.1", "126.255.255.255", "128.0.0.1", "169.253.255.255", "223.255.255.255"} {
		all = append(all, spellingsOf4(netip.MustParseAddr(text).As4(), false)...)
	}
	for _, host := range []string{
		"::", "::1", "0::1", "::0001", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::1%lo", "::%1", "fe80::1", "FE80::1%eth0", "febf:ffff::1", "fe80:0:0:0:a:b:c:d%1", "ff02::1", "FF0E::1", "ff02::1%eth0",
	} {
		all = append(all, spelling{"[" + host + "]", true, false})
	}
	for _, host := range []string{"2001:db8::1", "fd00::1", "fec0::1", "2001:db8::7f00:1", "2001:db8::ffff:127.0.0.1", "64:ff9b:2::1", "2003:7f00:1::"} {
		all = append(all, spelling{"[" + host + "]", false, false})
	}
	for host := range hosts {
		for _, name := range []string{host, host + ".", strings.ToUpper(host)} {
			all = append(all, spelling{name, strings.HasPrefix(host, "bad"), false})
		}
	}
	return append(all, spelling{"localhost", true, false}, spelling{"LocalHost.", true, false})
}

// hosts are the names that the resolver of these tests knows.
var hosts = map[string]string{
	"bad-loopback.example": "127.0.0.1", "bad-lan.example": "169.254.169.254", "bad-zero.example": "0.0.0.0", "bad-group.example": "224.0.0.251",
	"bad6-loopback.example": "::1", "bad6-mapped.example": "::ffff:127.0.0.1", "bad6-nat64.example": "64:ff9b::7f00:1", "bad6-lan.example": "fe80::1", "bad6-compatible.example": "::127.0.0.1",
	"good.example": "192.0.2.7", "good6.example": "2001:db8::7",
}

// useHosts makes names resolve to what hosts has.
func useHosts(t *testing.T) {
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answer(server)
		return client, nil
	}}
}

// answer answers one question of a resolver that speaks DNS over a stream.
func answer(conn net.Conn) {
	var length [2]byte
	io.ReadFull(conn, length[:])
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	io.ReadFull(conn, query)
	const headerSize = 12
	end := headerSize + bytes.IndexByte(query[headerSize:], 0) + 1 // of the name; behind it are type and class
	var labels []string
	for i := headerSize; query[i] != 0; i += 1 + int(query[i]) {
		labels = append(labels, string(query[i+1:i+1+int(query[i])]))
	}
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[headerSize:end+4]...)
	ip, err := netip.ParseAddr(hosts[strings.ToLower(strings.Join(labels, "."))])
	if kind := binary.BigEndian.Uint16(query[end:]); err == nil && (kind == 1 && ip.Is4() || kind == 28 && ip.Is6()) {
		reply[7] = 1
		reply = append(reply, 0xc0, headerSize, query[end], query[end+1], 0, 1, 0, 0, 0, 60, 0, byte(ip.BitLen()/8))
		reply = append(reply, ip.AsSlice()...)
	}
	conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}

func allowing(t *testing.T, texts ...string) *Policy {
	t.Helper()
	policy := new(Policy)
	for _, text := range texts {
		allow, err := ParseAllow(text)
		if err != nil {
			t.Fatal(err)
		}
		policy.Allow = append(policy.Allow, allow)
	}
	return policy
}

// reaches returns whether a dial of what a peer asked for, if it is allowed, gets
// as far as the system, and to where.
func reaches(policy *Policy, text string) (address string, err error) {
	endpoint, err := policy.Target(text)
	if err != nil {
		return "", err
	}
	stop := errors.New("far enough")
	dialer := net.Dialer{Control: func(network, to string, raw syscall.RawConn) error {
		if err := endpoint.control(network, to, raw); err != nil {
			return err
		}
		address = to
		return stop
	}}
	_, err = dialer.Dial("tcp", endpoint.String())
	if errors.Is(err, stop) {
		err = nil
	}
	return address, err
}

// TestSpellings asks for addresses in all the ways that get past filters.
func TestSpellings(t *testing.T) {
	useHosts(t)
	all := spellings()
	t.Logf("%d spellings", len(all))
	if len(all) < 500 {
		t.Errorf("these are %d spellings only", len(all))
	}
	wide := allowing(t, "any:80", "0.0.0.0/0:80", "[::/0]:80", "0.0.0.0/1:80", "128.0.0.0/1:80", "[::/8]:80", "[fe00::/7]:80", "[64:ff9b::/96]:80", "[2002::/16]:80")
	for _, s := range all {
		address, err := reaches(wide, s.host+":80")
		switch {
		case s.odd || s.special:
			if address != "" || err == nil {
				t.Errorf("%q reaches %q, %v", s.host, address, err)
			}
			if !s.odd && !errors.Is(err, ErrNotAllowed) {
				t.Errorf("%q: %v, want ErrNotAllowed", s.host, err)
			}
		case address == "" || err != nil:
			t.Errorf("%q is not reached: %v", s.host, err)
		}
	}
}

// TestNamedSpecials asks for special addresses of which the listener says itself
// that they may be reached.
func TestNamedSpecials(t *testing.T) {
	useHosts(t)
	for allow, texts := range map[string][]string{
		"127.0.0.1:80":            {"127.0.0.1:80", "[::ffff:127.0.0.1]:80", "[::FFFF:7f00:1]:080"},
		"127.0.0.0/8:any":         {"127.1.2.3:81"},
		"127.0.0.0/30:80":         {"127.0.0.2:80"},
		"[::1]:80":                {"[::1]:80", "[0:0::1]:80"},
		"localhost:80":            {"localhost:80", "LOCALHOST.:80"},
		"bad-loopback.example:80": {"bad-loopback.example:80"},
		"bad6-mapped.example:80":  {"bad6-mapped.example:80"},
		"169.254.0.0/16:80":       {"169.254.169.254:80"},
		"[fe80::/10]:22":          {"[fe80::1]:22"},
		"[64:ff9b::7f00:1]:80":    {"[64:ff9b::127.0.0.1]:80"},
		"[64:ff9b:1::/96]:80":     {"[64:ff9b:1::192.0.2.7]:80"},
		"0.0.0.0:80":              {"0.0.0.0:80"},
		"[ff02::/16]:80":          {"[ff02::1]:80"},
	} {
		for _, text := range texts {
			// Whichever of the patterns comes first.
			for _, policy := range []*Policy{allowing(t, allow), allowing(t, "any:any", allow), allowing(t, allow, "any:any")} {
				if address, err := reaches(policy, text); address == "" || err != nil {
					t.Errorf("with %s, %s is not reached: %v", allow, text, err)
				}
			}
		}
	}
	for allow, text := range map[string]string{
		"127.0.0.1:80":      "[64:ff9b::127.0.0.1]:80",
		"126.0.0.0/7:80":    "127.0.0.1:80",
		"169.254.0.0/15:80": "169.254.169.254:80",
		"[::/95]:80":        "[::1]:80",
		"localhost:80":      "127.0.0.1:80",
	} {
		if address, err := reaches(allowing(t, allow, "any:any"), text); address != "" || !errors.Is(err, ErrNotAllowed) {
			t.Errorf("with %s, %s reaches %q, %v", allow, text, address, err)
		}
	}
}

// TestDialRefusesSpecials has something listen on the loopback interface.
func TestDialRefusesSpecials(t *testing.T) {
	useHosts(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0", "[::]", "bad-loopback.example", "bad-zero.example"} {
		endpoint, err := allowing(t, "any:any").Target(host + ":" + port)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := endpoint.Dial()
		if conn != nil || !errors.Is(err, ErrNotAllowed) || !strings.Contains(err.Error(), "--allow "+endpoint.String()) {
			t.Errorf("%s: %v, %v", host, conn, err)
		}
	}
	endpoint, err := allowing(t, "127.0.0.1:any").Target(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := endpoint.Dial()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestDialSaysWhatToCheck(t *testing.T) {
	_, err := Endpoint{Host: "127.0.0.1", Port: 1}.Dial()
	if want := "the target 127.0.0.1:1 cannot be reached: connection refused: check that something listens there"; err == nil || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
}
