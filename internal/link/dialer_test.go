package link

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// addresses parses addresses that are separated by spaces.
func addresses(texts string) (parsed []netip.Addr) {
	for text := range strings.FieldsSeq(texts) {
		parsed = append(parsed, netip.MustParseAddr(text))
	}
	return parsed
}

func TestOrderOfAddresses(t *testing.T) {
	for _, test := range []struct{ found, last, want string }{
		{"192.0.2.1", "", "192.0.2.1"},
		{"2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1", "", "2001:db8::1 192.0.2.1 2001:db8::2 2001:db8::3"},
		{"192.0.2.1 2001:db8::1 2001:db8::2", "", "192.0.2.1 2001:db8::1 2001:db8::2"},
		{"192.0.2.1 192.0.2.2 fe80::1%eth0", "", "192.0.2.1 fe80::1%eth0 192.0.2.2"},
		{"2001:db8::1 2001:db8::2 192.0.2.1 192.0.2.2", "2001:db8::1", "192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::1"},
		{"192.0.2.1", "192.0.2.1", "192.0.2.1"},
		{"192.0.2.1 192.0.2.2", "192.0.2.9", "192.0.2.1 192.0.2.2"},
		{strings.Repeat("192.0.2.1 ", 100), "", strings.Repeat("192.0.2.1 ", maxAddresses)},
	} {
		var last netip.Addr
		if test.last != "" {
			last = netip.MustParseAddr(test.last)
		}
		if got := order(addresses(test.found), last); !slices.Equal(got, addresses(test.want)) {
			t.Errorf("%s after %q: %v, want %s", test.found, test.last, got, test.want)
		}
	}
}

// TestLiterals has hosts that are addresses, which the resolver returns as they are.
func TestLiterals(t *testing.T) {
	for _, hostPort := range []string{"192.0.2.1:1883", "[2001:db8::1]:1883", "[fe80::1%1]:1883"} {
		d := newDialer()
		var got string
		d.dial = func(_ context.Context, _, address string) (net.Conn, error) {
			got = address
			return nil, net.UnknownNetworkError("none in the test")
		}
		if _, err := d.DialContext(t.Context(), "tcp", hostPort); got != hostPort || err == nil {
			t.Errorf("%s: dialed %q, %v", hostPort, got, err)
		}
	}
}

// internet is a network with a resolver, in which the addresses that are no broker's swallow what they are sent.
type internet struct {
	mu      sync.Mutex
	names   map[string]string // addresses by name; none: the resolver is silent
	brokers map[string]*simtest.EmbeddedBroker
	refuse  map[string]bool
	dialed  []string
}

func newInternet() *internet {
	return &internet{names: make(map[string]string), brokers: make(map[string]*simtest.EmbeddedBroker), refuse: make(map[string]bool)}
}

func (n *internet) dialer() *dialer { return &dialer{lookup: n.lookup, dial: n.dial} }

// set gives a name other addresses.
func (n *internet) set(name, addresses string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name], n.dialed = addresses, nil
}

func (n *internet) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	found := addresses(n.names[host])
	n.mu.Unlock()
	if found == nil {
		return nil, swallowed(ctx)
	}
	return found, nil
}

func (n *internet) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(hostPort)
	n.mu.Lock()
	n.dialed = append(n.dialed, host)
	broker, refuse := n.brokers[host], n.refuse[host]
	n.mu.Unlock()
	failed := &net.OpError{Op: "dial", Net: network, Addr: &net.TCPAddr{IP: net.ParseIP(host), Port: 1883}}
	switch {
	case broker != nil:
		return broker.DialContext(ctx, network, hostPort)
	case refuse:
		failed.Err = os.NewSyscallError("connect", syscall.ECONNREFUSED)
	default:
		swallowed(ctx)
		failed.Err = os.ErrDeadlineExceeded
	}
	return nil, failed
}

// tries returns which addresses were dialed since the last set.
func (n *internet) tries() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.dialed, " ")
}

// connected runs f with a link to broker.test in an internet.
func connected(t *testing.T, f func(t *testing.T, n *internet, l *testLink)) {
	simtest.Run(t, func(t *testing.T) {
		setProxies(t)
		n := newInternet()
		l := newTestLink(t, testAddress, nil)
		l.dialer = n.dialer()
		f(t, n, l)
	})
}

func TestDeadAddressCostsLittle(t *testing.T) {
	for name, test := range map[string]struct {
		addresses, refuse string
		took              time.Duration
	}{
		"IPv6 is swallowed":          {"2001:db8::1 192.0.2.1", "", racePause},
		"IPv6 is swallowed, of many": {"2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1", "", racePause},
		"the first refuses":          {"192.0.2.2 192.0.2.1", "192.0.2.2", 0},
		"two refuse":                 {"2001:db8::1 192.0.2.2 192.0.2.1", "2001:db8::1 192.0.2.2", 0},
		"no name server":             {"", "", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, n *internet, l *testLink) {
				n.brokers["192.0.2.1"] = simtest.Broker(t)
				n.set("broker.test", test.addresses)
				for _, address := range addresses(test.refuse) {
					n.refuse[address.String()] = true
				}
				if test.addresses == "" {
					time.AfterFunc(test.took-1, func() { n.set("broker.test", "192.0.2.1") })
				}
				start := time.Now()
				l.mustConnect(t)
				if took := time.Since(start); took != test.took {
					t.Errorf("connected after %v (%s), want %v", took, n.tries(), test.took)
				}
			})
		})
	}
}

// TestAllAddressesFail has an error with each reason once.
func TestAllAddressesFail(t *testing.T) {
	connected(t, func(t *testing.T, n *internet, l *testLink) {
		n.set("broker.test", "2001:db8::1 192.0.2.1 192.0.2.2")
		n.refuse["2001:db8::1"], n.refuse["192.0.2.1"], n.refuse["192.0.2.2"] = true, true, true
		start := time.Now()
		err := l.Connect(t.Context())
		if !errors.Is(err, syscall.ECONNREFUSED) || strings.Count(err.Error(), "refused") != 1 || time.Since(start) != 0 {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		n.refuse["192.0.2.2"] = false
		err = l.Connect(t.Context())
		for _, reason := range []error{syscall.ECONNREFUSED, os.ErrDeadlineExceeded} {
			if !errors.Is(err, reason) || strings.Count(err.Error(), reason.Error()) != 1 {
				t.Errorf("%v; want %v in it once", err, reason)
			}
		}
		if took := time.Since(start); took != dialTimeout {
			t.Errorf("gave up after %v", took)
		}
	})
}

// TestReconnectAsksForTheNameAgain has a name that moves, and then one with two addresses: none is used twice in a row.
func TestReconnectAsksForTheNameAgain(t *testing.T) {
	connected(t, func(t *testing.T, n *internet, l *testLink) {
		first, second := simtest.Broker(t), simtest.Broker(t)
		n.brokers["192.0.2.1"], n.brokers["192.0.2.2"] = first, second
		n.set("broker.test", "192.0.2.1")
		l.mustConnect(t)
		reconnect := func(broker *simtest.EmbeddedBroker, want string) {
			t.Helper()
			broker.Stop()
			<-l.source.down
			broker.Start()
			l.mustConnect(t)
			if got := n.tries(); got != want {
				t.Fatalf("dialed %s, want %s", got, want)
			}
		}
		n.set("broker.test", "192.0.2.2")
		reconnect(first, "192.0.2.2")
		n.set("broker.test", "192.0.2.2 192.0.2.1")
		reconnect(second, "192.0.2.1")
		n.set("broker.test", "192.0.2.1 192.0.2.2")
		reconnect(first, "192.0.2.2")
	})
}

// TestProxyIsRaced reaches a proxy of two addresses, one dead, and then one that says nothing.
func TestProxyIsRaced(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5"} {
		setProxies(t, "ALL_PROXY="+scheme+"://proxy.test")
		simtest.Run(t, func(t *testing.T) {
			l := newTestLink(t, address.Broker{Scheme: "mqtt", Host: proxiedHost}, nil)
			n := newInternet()
			n.set("proxy.test", "2001:db8::1 192.0.2.1")
			l.dialer = &dialer{lookup: n.lookup, dial: func(ctx context.Context, network, hostPort string) (net.Conn, error) {
				if host, _, _ := net.SplitHostPort(hostPort); host != "192.0.2.1" {
					return n.dial(ctx, network, hostPort)
				}
				silent, theirs := simtest.Pipe()
				t.Cleanup(func() { theirs.Close() })
				return silent, nil
			}}
			start := time.Now()
			err := l.Connect(t.Context())
			var proxy *ProxyError
			if took := time.Since(start); !errors.As(err, &proxy) || !errors.Is(err, os.ErrDeadlineExceeded) || took != dialTimeout || n.tries() != "2001:db8::1" {
				t.Errorf("%s: after %v, and %s: %v", scheme, took, n.tries(), err)
			}
		})
	}
}
