package engine

import (
	"crypto/rand"
	"math"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// checkTo returns the CHECK that a message to an inbox is, for whoever knows the secret of
// that; nil if it is something else.
func checkTo(inbox handshake.Inbox, m message) *handshake.Check {
	if !m.isTo(inbox.Topic("", 0)) {
		return nil
	}
	opened, err := inbox.Key().Open(m.payload)
	if err != nil {
		return nil
	}
	check, ok := opened.(handshake.Check)
	if !ok {
		return nil
	}
	return &check
}

// TestHelloTellsHoldersNoToken lets a holder read all that the key opens of a hello, and
// say GONE with it to the listener, which asks because packets to the dialer are lost.
func TestHelloTellsHoldersNoToken(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		client, l := w.engine(), w.listen(w.engine())
		w.set(func(m message) ([]byte, bool) { h.hear(m); return m.payload, true })
		dialed, accepted := w.connect(client, l)
		w.exchange(dialed, accepted)
		w.set(nil)
		var offer handshake.Offer
		for _, heard := range h.heard {
			if hello, ok := heard.(handshake.Hello); ok {
				_, offer, _ = w.root().Name(testName).Respond(hello)
			}
		}
		asked := 0
		w.set(func(m message) ([]byte, bool) {
			if check := checkTo(offer.Inbox, m); check != nil {
				asked++
				h.soon(func() { h.tell(check.Reply, handshake.Gone{Nonce: check.Nonce, Token: offer.TokenHash}) })
			}
			return m.payload, !m.isTo(client.uplinks[0].topic)
		})
		accepted.Write([]byte("over and out"))
		time.Sleep(30 * time.Second)
		w.set(nil)
		if asked == 0 {
			t.Fatal("the scene is not set: the listener did not ask")
		}
		if n, err := dialed.Read(make([]byte, 100)); n != 12 || err != nil {
			t.Errorf("read %d bytes, %v", n, err)
		}
		w.exchange(dialed, accepted)
	})
}

// TestListenersTakeNoNotMine lets a device of a fleet, which knows the operator's inbox,
// answer what another device asks the operator, who was away for some seconds.
func TestListenersTakeNoNotMine(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		operator := w.engine(func(c *Config) { c.Fleet = true })
		l := w.listenTo(w.engine(under(w.root().Device("a"))), "a")
		dialed, accepted := w.connect(operator, l)
		w.exchange(dialed, accepted)
		asked := 0
		w.set(func(m message) ([]byte, bool) {
			if check := checkTo(operator.inbox, m); check != nil {
				asked++
				h.soon(func() { h.tell(check.Reply, handshake.NotMine{Nonce: check.Nonce}) })
			}
			return m.payload, !m.isTo(operator.uplinks[0].topic)
		})
		accepted.Write([]byte("over and out"))
		time.Sleep(30 * time.Second)
		w.set(nil)
		if asked == 0 {
			t.Fatal("the scene is not set: the device did not ask")
		}
		if n, err := dialed.Read(make([]byte, 100)); n != 12 || err != nil {
			t.Errorf("read %d bytes, %v", n, err)
		}
		w.exchange(dialed, accepted)
	})
}

// TestNoTimeIsTooWrongToCorrect lets a holder tell one dial the last time, or the first,
// that there is. The listener's own TIME corrects that in the next.
func TestNoTimeIsTooWrongToCorrect(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		for _, wrong := range []int64{math.MaxInt64, math.MinInt64, 0} {
			w := newWorld(t)
			h := w.holder()
			client := w.engine()
			told := false
			w.set(func(m message) ([]byte, bool) {
				h.hear(m)
				if hello, ok := w.envelope(m).(handshake.Hello); ok && !told {
					told = true
					h.soon(func() {
						h.tell(hello.Inbox, handshake.Time{ID: hello.ID, Hello: hello.Time, Listener: time.Unix(0, wrong)})
					})
				}
				return m.payload, true
			})
			ctx, cancel := contextFor(time.Second)
			client.Dial(ctx, testName, nil)
			cancel()
			w.listen(w.engine())
			ctx, cancel = contextFor(5 * time.Second)
			if _, err := client.Dial(ctx, testName, nil); err != nil {
				t.Errorf("after %d: %v", wrong, err)
			}
			cancel()
		}
	})
}

// hello makes one that nobody will prove, sealed, and says it to a listener.
func (h *holder) hello(n *handshake.Name) (topic string, payload []byte) {
	return h.helloAt(n, time.Now())
}

func (h *holder) helloAt(n *handshake.Name, at time.Time) (topic string, payload []byte) {
	offer := handshake.Offer{ID: random8(), Inbox: h.inbox, Time: at, MaxMessageSize: 1 << 10, Links: 1}
	_, hello, err := n.Initiate(rand.Reader, offer)
	if err != nil {
		panic(err)
	}
	if payload, err = n.HelloKey().Seal(rand.Reader, hello); err != nil {
		panic(err)
	}
	topic = handshake.Topic("", n.Rendezvous)
	h.publish(topic, payload)
	return topic, payload
}

// TestReplaysEvictNobody replays, without a key, a hello to a listener whose backlog is
// full.
func TestReplaysEvictNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		server := w.engine()
		w.listen(server)
		topic, hello := h.hello(w.root().Name(testName))
		time.Sleep(halfOpenLife / 2)
		for range backlog {
			h.hello(w.root().Name(testName))
			time.Sleep(time.Millisecond)
		}
		simtest.Wait()
		if n := entries(server)["half-open"]; n != backlog {
			t.Fatalf("the scene is not set: %d are half-open", n)
		}
		h.publish(topic, hello)
		simtest.Wait()
		if n := entries(server)["half-open"]; n != backlog {
			t.Errorf("replays let go of %d", backlog-n)
		}
	})
}

// TestOneKeyCrowdsOutNoOther says hellos under one key that nobody proves, while a dialer
// under another, whose answers are slow, is half-open.
func TestOneKeyCrowdsOutNoOther(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		server, client := w.engine(), w.engine(under([16]byte{2}))
		if err := w.listen(server).SetKeys([][16]byte{w.key, {2}}); err != nil {
			t.Fatal(err)
		}
		w.set(func(m message) ([]byte, bool) { return m.payload, !m.isTo(client.uplinks[0].topic) })
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		client.Dial(ctx, testName, nil)
		if n := entries(server)["half-open"]; n != 1 {
			t.Fatalf("the scene is not set: %d are half-open", n)
		}
		for range backlog + 10 {
			h.hello(w.root().Name(testName))
			time.Sleep(time.Millisecond)
		}
		simtest.Wait()
		others := server.connsWhere(func(c *Conn) bool { return c.origin.key == [16]byte{2} })
		if n := entries(server)["half-open"]; n != backlog || len(others) != 1 {
			t.Errorf("%d are half-open, %d of the other key", n, len(others))
		}
	})
}

// TestOneKeyUsesUpNoAnswersOfOthers says hellos with a wrong time under one key all the
// time. A dialer under another, whose clock is wrong, is told the time.
func TestOneKeyUsesUpNoAnswersOfOthers(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		if err := w.listen(w.engine()).SetKeys([][16]byte{w.key, {2}}); err != nil {
			t.Fatal(err)
		}
		n := w.root().Name(testName)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Second / (10 * unwantedRate)):
					h.helloAt(n, time.Now().Add(-time.Hour))
				}
			}
		}()
		time.Sleep(2 * time.Second)
		client := w.engine(under([16]byte{2}), func(c *Config) {
			c.wall = func() time.Time { return time.Now().Add(-time.Hour) }
		})
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		if _, err := client.Dial(ctx, testName, nil); err != nil {
			t.Error(err)
		}
		close(stop)
		<-stopped
	})
}

// TestNotMineWaitsForAFarPeer lets another listener answer, near by, what a dialer asks
// one 8 s away.
func TestNotMineWaitsForAFarPeer(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client := w.engine()
		l := w.listen(w.engine(func(c *Config) { c.Link.DialContext = delayed(w, 8*time.Second) }))
		dialed, accepted := w.connect(client, l)
		w.exchange(dialed, accepted)
		w.listen(w.engine())
		if second := w.dial(client); second.origin.peerInbox == dialed.origin.peerInbox {
			t.Fatal("the scene is not set: the far listener was faster")
		}
		time.Sleep(30 * time.Second)
		w.exchange(dialed, accepted)
	})
}
