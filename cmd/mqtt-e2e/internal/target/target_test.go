package target

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:22":          "127.0.0.1:22",
		"[::1]:22":              "[::1]:22",
		"[::ffff:10.0.0.1]:80":  "10.0.0.1:80",
		"Example.COM.:443":      "example.com:443",
		"localhost:1":           "localhost:1",
		"my_host-1:65535":       "my_host-1:65535",
		"[fe80::1%eth0]:22":     "[fe80::1%eth0]:22",
		"[0:0:0:0:0:0:0:1]:022": "[::1]:22",
	} {
		got, err := Parse(text)
		if err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ":", "host", "host:", ":22", "host:0", "host:65536", "host:-1", "host:ssh", "::1:22", "[::1]", "[::1]:", "[host]:22", "[1.2.3.4]:22",
		"a b:22", "a/b:22", "a\x00:22", "ä:22", "[::1:22", "::1]:22", strings.Repeat("a", 254) + ":22", "any/8:22", "*:22",
		"0x0a.0.0.1:1", "010.0.0.1:1", "10.1:1", "167772161:1", "0x7f000001:1", "a.:..:1", ".:1",
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
		}
	}
}

func TestPolicy(t *testing.T) {
	var policy Policy
	for _, to := range []string{"127.0.0.1:22", "web=localhost:80"} {
		if err := policy.Add(to); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"10.0.0.0/8:any", "db.lan:5432", "[fd00::/8]:443", "192.0.2.7:any"} {
		allow, err := ParseAllow(text)
		if err != nil {
			t.Fatal(err)
		}
		policy.Allow = append(policy.Allow, allow)
	}
	for text, allowed := range map[string]bool{
		"127.0.0.1:22":        true,
		"localhost:80":        true,
		"10.1.2.3:1":          true,
		"[::ffff:10.1.2.3]:1": true,
		"DB.lan.:5432":        true,
		"[fd12::1]:443":       true,
		"192.0.2.7:9":         true,
		"127.0.0.1:80":        false, // a service's name is not its address
		"localhost:22":        false,
		"11.0.0.1:1":          false,
		"db.lan:5433":         false,
		"x.db.lan:5432":       false,
		"[fd12::1]:444":       false,
		"[fe80::1%eth0]:443":  false,
		"10.1.2.3.evil.com:1": false,
	} {
		_, err := policy.Target(text)
		if allowed != (err == nil) {
			t.Errorf("Target(%q): %v", text, err)
		}
		if err != nil && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("Target(%q): %v, want ErrNotAllowed", text, err)
		}
	}
	if _, err := (&Policy{}).Target("127.0.0.1:22"); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("the zero Policy: %v", err)
	}
	if _, err := (&Policy{}).Service(""); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("the zero Policy's default: %v", err)
	}
}

func TestRemotePort(t *testing.T) {
	policy := new(Policy)
	if _, err := policy.RemotePort("8080"); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("a port without any allowed: %v", err)
	}
}

// TestAnyAllowsNames checks that any matches what no address can.
func TestAnyAllowsNames(t *testing.T) {
	allow, err := ParseAllow("any:any")
	if err != nil {
		t.Fatal(err)
	}
	policy := Policy{Allow: []Allow{allow}}
	for _, text := range []string{"example.com:443", "[::1]:1", "10.0.0.1:22"} {
		if _, err := policy.Target(text); err != nil {
			t.Errorf("Target(%q): %v", text, err)
		}
	}
}

func TestParseAllowErrors(t *testing.T) {
	for _, text := range []string{"", "any", "10.0.0.0/8", "10.0.0.1/8:any", "10.0.0.0/33:any", "::ffff:0:0/96:1", "[::ffff:0:0/96]:1", "fd00::/8:1", "host/8:1", "any:0", "any:http", "a,b:1"} {
		if got, err := ParseAllow(text); err == nil {
			t.Errorf("ParseAllow(%q) = %+v, want an error", text, got)
		}
	}
}

func TestServices(t *testing.T) {
	for _, to := range []string{"=127.0.0.1:1", "22=127.0.0.1:1", "a b=127.0.0.1:1", "A=127.0.0.1:1", strings.Repeat("a", 64) + "=127.0.0.1:1", "a=", "a=b"} {
		if err := new(Policy).Add(to); err == nil {
			t.Errorf("Add(%q) succeeds", to)
		}
	}
	policy := new(Policy)
	for _, to := range []string{"a=h:1", "h:1"} {
		if err := policy.Add(to); err != nil {
			t.Errorf("Add(%q): %v", to, err)
		}
		if err := policy.Add(to); err == nil {
			t.Errorf("Add(%q) succeeds twice", to)
		}
	}
}

// TestPrefixesAgainstModel compares matching with netip's own, for random
// networks and addresses.
func TestPrefixesAgainstModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		ip := netip.AddrFrom4([4]byte{10, byte(random.IntN(4)), byte(random.IntN(256)), 1})
		prefix := netip.PrefixFrom(ip, random.IntN(33)).Masked()
		asked := netip.AddrFrom4([4]byte{10, byte(random.IntN(4)), byte(random.IntN(256)), 1})
		allow, err := ParseAllow(net.JoinHostPort(prefix.String(), "any"))
		if err != nil {
			t.Fatal(err)
		}
		if got := allow.matches(Endpoint{Host: asked.String(), Port: 1 + random.IntN(65535)}); got != prefix.Contains(asked) {
			t.Fatalf("%v matches %v: %v", prefix, asked, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:22", "[::1]:22", "Example.com.:443", "[fe80::1%a]:1", "[::ffff:1.2.3.4]:5", "a:b:c", "[]:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		endpoint, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(endpoint.String())
		if err != nil || again != endpoint {
			t.Fatalf("%q reads as %v, which reads as %v, %v", text, endpoint, again, err)
		}
		if _, port, err := net.SplitHostPort(endpoint.String()); err != nil || port != strconv.Itoa(endpoint.Port) {
			t.Fatalf("%q: %v does not split", text, endpoint)
		}
	})
}
