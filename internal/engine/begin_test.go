package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestAnswerByALinkThatIsNone has a holder of the key answer twice by a link beyond those that it tells. The genuine listener's answer counts.
func TestAnswerByALinkThatIsNone(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client, h := w.engine(), w.holder()
		answered := 0
		w.set(func(m message) ([]byte, bool) {
			opened, err := w.root().Name(testName).HelloKey().Open(m.payload)
			if hello, ok := opened.(handshake.Hello); err == nil && ok {
				answered++
				h.soon(func() { h.answerBy(5, hello) })
			}
			return m.payload, true
		})
		ctx, cancel := contextFor(3 * time.Second)
		defer cancel()
		if _, err := client.Dial(ctx, testName, nil); !errors.Is(err, ErrNoAnswer) || answered == 0 {
			t.Errorf("answered %d times, the dial failed with %v", answered, err)
		}
		w.set(nil)
		dialed, accepted := w.connect(client, w.listen(w.engine()))
		w.exchange(dialed, accepted)
	})
}

// answerBy answers a hello twice, as by a link of a process that has one.
func (h *holder) answerBy(link uint8, hello handshake.Hello) {
	responder, offer, err := h.w.root().Name(testName).Respond(hello)
	if err != nil {
		h.w.t.Error(err)
		return
	}
	answer, _, err := responder.Finish(rand.Reader, handshake.Reply{ID: random8(), Inbox: h.inbox, MaxMessageSize: 4096, Links: 1})
	if err != nil {
		h.w.t.Error(err)
		return
	}
	answer.Link = link
	h.tell(offer.Inbox, answer)
	h.tell(offer.Inbox, answer)
}

// TestHelloIsAnsweredAgainWhileItsConnIsProved by packets of another link, whose reader is another goroutine.
func TestHelloIsAnsweredAgainWhileItsConnIsProved(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
		server, r := l.engine, l.only()
		for range 50 {
			_, hello := client.hello(t)
			say := func(u *uplink) {
				server.handshaking.Lock()
				defer server.handshaking.Unlock()
				r.hello(u, hello, time.Now())
			}
			say(server.uplinks[0])
			c, _ := l.pending(hello.Digest())
			var both sync.WaitGroup
			both.Go(func() { say(server.uplinks[1]) })
			both.Go(func() { (*host)(c).Proved() })
			both.Wait()
		}
	})
}

// hello is what a dial begins with.
func (e *Engine) hello(t *testing.T) (*attempt, handshake.Hello) {
	a := &attempt{id: random8(), made: time.Now()}
	var err error
	a.initiator, a.hello, err = e.name(testName).Initiate(rand.Reader, handshake.Offer{
		ID: a.id, Inbox: e.inbox, Time: time.Now(), MaxMessageSize: 32 << 10, Links: uint8(len(e.uplinks)), TokenHash: handshake.TokenHash(e.tokens.Token(a.id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, a.hello
}

// TestHelloSentOnWithALinkThatIsNone by a holder of the key does not keep the dialer's own, with the same digest, from being answered.
func TestHelloSentOnWithALinkThatIsNone(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
		a, hello := client.hello(t)
		d := &dial{engine: client, name: testName, keys: client.name(testName), events: make(chan event, maxEvents)}
		d.keep(a)
		d.wait = firstRepeat
		l.engine.handshaking.Lock()
		hello.Link = 7
		l.only().hello(l.engine.uplinks[0], hello, time.Now())
		l.engine.handshaking.Unlock()
		client.uplinks[1].toName(d.keys, a.over(1))
		var dialed *Conn
		for dialed == nil && d.agreed == nil {
			select {
			case ev := <-d.events:
				var err error
				if dialed, err = d.handle(ev); err != nil {
					t.Fatal(err)
				}
			case <-time.After(2 * time.Second):
				t.Fatal("nobody answers")
			}
		}
		if dialed == nil {
			var err error
			if dialed, err = d.open(); err != nil {
				t.Fatal(err)
			}
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p.exchange(dialed, accepted)
	})
}

// TestDialersConnBeginsOnALinkThatHasEnded since the answer came by it, in the moment in which one by an earlier link is waited for.
func TestDialersConnBeginsOnALinkThatHasEnded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
		d := &dial{engine: client, name: testName, keys: client.name(testName), events: make(chan event, maxEvents)}
		if err := d.begin(); err != nil {
			t.Fatal(err)
		}
		for d.agreed == nil {
			if ev := <-d.events; ev.from.number == 1 {
				if _, err := d.handle(ev); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.brokers[1].Stop()
		simtest.Wait()
		if !client.links.IsUp(0) || client.links.IsUp(1) {
			t.Fatal("the scene is not set")
		}
		dialed, err := d.open()
		if err != nil {
			t.Fatal(err)
		}
		dialed.Write([]byte("hello"))
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p.exchangeAfter(dialed, accepted, "hello")
	})
}

// exchangeAfter is exchange after something that was written before, all within 5 s.
func (p *place) exchangeAfter(from, to *Conn, written string) {
	p.t.Helper()
	for _, c := range []*Conn{from, to} {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
	}
	b := make([]byte, len(written))
	if _, err := to.Read(b); err != nil || string(b) != written {
		p.t.Fatalf("%q came, %v", b, err)
	}
	p.exchange(from, to)
}

// TestListenersConnBeginsOnALinkThatHasEnded since the hello came by it. What it writes is repeated until it arrives.
func TestListenersConnBeginsOnALinkThatHasEnded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		l, client := p.listening(p.over(0, 1)), p.ready(p.over(0, 1))
		server := l.engine
		d := &dial{engine: client, name: testName, keys: client.name(testName), events: make(chan event, maxEvents)}
		a, hello := client.hello(t)
		d.keep(a)
		d.wait = firstRepeat
		server.uplinks[0].Down(time.Now(), false)
		client.uplinks[0].Down(time.Now(), false)
		server.handshaking.Lock()
		l.only().hello(server.uplinks[0], hello, time.Now())
		server.handshaking.Unlock()
		client.uplinks[1].toName(d.keys, a.over(1))
		var dialed *Conn
		for dialed == nil {
			ev := <-d.events
			if ev.from.number == 0 {
				continue // this link is down
			}
			var err error
			if dialed, err = d.handle(ev); err != nil {
				t.Fatal(err)
			}
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		simtest.Wait()
		p.silence[1](true)
		accepted.Write([]byte("hello"))
		time.Sleep(50 * time.Millisecond)
		p.silence[1](false)
		p.exchangeAfter(accepted, dialed, "hello")
	})
}

// TestTimeGoesBackOnEveryPath: the dialer, whose clock is wrong, hears nothing by its first broker.
func TestTimeGoesBackOnEveryPath(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		p.brokers[1] = simtest.Broker(t, broker.Config{Publish: func(_ string, payload []byte) ([]byte, bool) {
			time.Sleep(5 * time.Millisecond) // so that every hello comes by the first broker before
			return payload, true
		}})
		l := p.listening(p.over(0, 1))
		client := p.ready(func(c *Config) {
			p.over(0, 1)(c)
			c.wall = func() time.Time { return time.Now().Add(-time.Hour) }
		})
		client.uplinks[0].link.Unsubscribe(client.uplinks[0].topic)
		simtest.Wait()
		start := time.Now()
		dialed, accepted := p.connect(client, l)
		if took := time.Since(start); took > time.Second {
			t.Errorf("the dial took %v", took)
		}
		p.exchange(dialed, accepted)
	})
}

// TestBrokersAreTriedThoughTheFirstStartWasGivenUp: a Dial that gives up leaves a link that connects later, and the next one finds it up.
func TestBrokersAreTriedThoughTheFirstStartWasGivenUp(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		p := newPlace(t, 2)
		p.brokers[1].Stop()
		e := p.engine(func(c *Config) {
			p.over(0, 1)(c)
			dial := c.Link.DialContext
			c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "0.") {
					time.Sleep(2 * time.Second)
				}
				return dial(ctx, network, address)
			}
		})
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		if e.start(ctx) == nil {
			t.Fatal("the scene is not set: the Engine has started")
		}
		time.Sleep(3 * time.Second)
		if err := e.start(context.Background()); err != nil {
			t.Fatal(err)
		}
		p.brokers[1].Start()
		time.Sleep(10 * time.Minute)
		if !e.links.IsUp(1) {
			t.Error("the other broker has worked for ten minutes, and nobody connects to it")
		}
	})
}
