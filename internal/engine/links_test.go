package engine

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/address"
	"github.com/mqtt-e2e/mqtte2e/internal/path"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/internal/stream"
)

// unlinked returns an Engine whose links are up and down as the test says, and never connect.
func unlinked(t *testing.T, links int) *Engine {
	config := (&world{broker: simtest.Broker(t)}).config()
	config.Brokers = nil
	for n := range links {
		config.Brokers = append(config.Brokers, address.Broker{Scheme: "mqtt", Host: fmt.Sprintf("%d.test:1883", n)})
	}
	e := New(config)
	t.Cleanup(func() { e.Close() })
	return e
}

// enterBetween makes both ends of a Conn between such Engines, neither of which is started.
func enterBetween(a, b *Engine, now time.Time) (*Conn, *Conn) {
	ids := [2][8]byte{random8(), random8()}
	enter := func(e, other *Engine, id, peer [8]byte) *Conn {
		return e.enter(agreed{
			id: id, origin: origin{name: testName, dialer: true, peerID: peer, peerInbox: other.inbox},
			path: 0, links: uint8(len(other.uplinks)), maxMessageSize: 60 << 10,
		}, now)
	}
	return enter(a, b, ids[0], ids[1]), enter(b, a, ids[1], ids[0])
}

// TestLinksChangeWhileConnsAsk for their peers: who holds a Conn's lock waits for the Engine's, and nobody the other way round.
func TestLinksChangeWhileConnsAsk(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		now := time.Now()
		e, other := unlinked(t, 2), unlinked(t, 2)
		for _, u := range e.uplinks {
			u.Up(now)
		}
		var conns []*Conn
		for range 8 {
			c, _ := enterBetween(e, other, now)
			c.Start(now)
			conns = append(conns, c)
		}
		const rounds = 300
		var running sync.WaitGroup
		running.Go(func() {
			for n := range 2 * rounds {
				e.uplinks[n%2].Down(now, false)
				e.uplinks[n%2].Up(now)
			}
		})
		running.Go(func() {
			for range rounds {
				for _, c := range conns {
					c.Doubt(true, now)
				}
			}
		})
		running.Wait()
	})
}

// TestConnsThatAreOverWaitForNoLink that is down, though their peers asked about a path of it.
func TestConnsThatAreOverWaitForNoLink(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		now := time.Now()
		e, other := unlinked(t, 2), unlinked(t, 2)
		e.uplinks[0].Up(now)
		for _, u := range other.uplinks {
			u.Up(now)
		}
		room := make([]byte, 64<<10)
		for i := range 100 {
			c, peer := enterBetween(e, other, now)
			peer.Introduce(0, now)
			n := peer.Conn.Fill(path.Of(0, 1), room, now)
			if n == 0 {
				t.Fatalf("the scene is not set: no challenge of Conn %d", i)
			}
			c.receive(e.uplinks[0], room[:n], now)
			c.Discard()
			peer.Discard()
		}
		if n := e.uplinks[1].queue.urgent.count + e.uplinks[1].queue.data.count; n > 0 {
			t.Errorf("%d Conns that are over wait for a link that is down", n)
		}
	})
}

// TestLinkThatEndsKeepsNoConns in its queue.
func TestLinkThatEndsKeepsNoConns(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		now := time.Now()
		e, other := unlinked(t, 1), unlinked(t, 1)
		e.uplinks[0].Up(now)
		q := &e.uplinks[0].queue
		var conns []*Conn
		for range 100 {
			c, _ := enterBetween(e, other, now)
			for _, priority := range []stream.Priority{stream.Data, stream.Urgent} {
				if !q.schedule(c, priority) {
					t.Error("a Conn is not taken in")
				}
			}
			conns = append(conns, c)
		}
		if q.urgent.count == 0 || q.data.count == 0 {
			t.Fatalf("the scene is not set: %d and %d wait", q.urgent.count, q.data.count)
		}
		e.uplinks[0].Down(now, false)
		if n := q.urgent.count + q.data.count; n > 0 {
			t.Errorf("%d Conns wait for a link that is down", n)
		}
		(*host)(conns[0]).Wake(0, stream.Urgent)
		if q.urgent.count > 0 {
			t.Error("a Conn begins to wait for a link that is down")
		}
		for _, c := range conns {
			if !q.schedule(c, stream.Data) || !q.schedule(c, stream.Urgent) {
				t.Fatal("a Conn is not taken in again")
			}
		}
	})
}

// cut makes an Engine of these brokers' connections to the first one end when the test says so.
func (p *place) cut(brokers ...int) (change func(*Config), cut func()) {
	var mu sync.Mutex
	var last net.Conn
	change = func(c *Config) {
		p.over(brokers...)(c)
		dial := c.Link.DialContext
		c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if strings.HasPrefix(address, fmt.Sprint(brokers[0])) {
				mu.Lock()
				defer mu.Unlock()
				last = conn
			}
			return conn, err
		}
	}
	return change, func() {
		mu.Lock()
		defer mu.Unlock()
		last.Close()
	}
}

// TestBrokerOfOneEndIsNoWayOut: the listener has the first of the dialer's brokers only, whose connection to the dialer ends and is back
// at once. No Conn goes to the other one, where nobody ever answered, and so it takes no longer than with one broker.
func TestBrokerOfOneEndIsNoWayOut(t *testing.T) {
	for _, brokers := range [][]int{{0}, {0, 1}} {
		simtest.Run(t, func(t *testing.T) {
			p := newPlace(t, 2)
			change, cut := p.cut(brokers...)
			l, client := p.listening(p.over(0)), p.ready(change)
			var transfers []*transfer
			var conns []*Conn
			for range 5 {
				dialed, accepted := p.connect(client, l)
				p.exchange(dialed, accepted)
				transfers = append(transfers, startTransfer(t, dialed, accepted))
				conns = append(conns, dialed, accepted)
			}
			time.Sleep(10 * time.Second)
			cut()
			time.Sleep(10 * time.Second)
			for i, x := range transfers {
				if gap := x.end(); gap > 200*time.Millisecond {
					t.Errorf("over %d brokers nothing came on Conn %d for %v", len(brokers), i, gap)
				}
			}
			p.wantMoves(0, conns...)
		})
	}
}

// TestManyStalledConnsAskLittle: all brokers are silent for 30 s, in which each Conn asks five times on at most nine paths.
func TestManyStalledConnsAskLittle(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 3)
		dialed, accepted := p.connectMany(p.ready(p.over(0, 1, 2)), p.listening(p.over(0, 1, 2)), 50)
		time.Sleep(time.Minute)
		for _, silence := range p.silence {
			silence(true)
		}
		before := make([]uint64, len(dialed))
		for i, c := range dialed {
			before[i] = c.Stats().PacketsSent
			c.Write([]byte("unanswered"))
		}
		time.Sleep(30 * time.Second)
		for i, c := range dialed {
			if n := c.Stats().PacketsSent - before[i]; n > 5*9+25 {
				t.Errorf("Conn %d has sent %d packets", i, n)
			}
		}
		for _, silence := range p.silence {
			silence(false)
		}
		for i := range dialed {
			b := make([]byte, 10)
			if _, err := accepted[i].Read(b); err != nil || string(b) != "unanswered" {
				t.Errorf("Conn %d brought %q, %v", i, b, err)
			}
		}
	})
}

// TestEndWithOneBrokerNamesNoOther in its log when its peer moves to another node of a cluster.
func TestEndWithOneBrokerNamesNoOther(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var log bytes.Buffer
		e := unlinked(t, 2)
		e.config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c, _ := enterBetween(e, e, time.Now())
		(*host)(c).Moved(path.Of(1, 0), path.Of(1, 1), path.ReasonPeer)
		if log.Len() > 0 {
			t.Errorf("a move to another node is logged as %s", &log)
		}
		(*host)(c).Moved(path.Of(0, 1), path.Of(1, 1), path.ReasonPeer)
		if !strings.Contains(log.String(), "from=0.test:1883 to=1.test:1883") {
			t.Errorf("a move to another broker is logged as %s", &log)
		}
	})
}
