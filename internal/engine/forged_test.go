package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// A holder has the key, hears every message and publishes what it likes: the worst
// that another holder of a group's key can be at an honest broker.
type holder struct {
	*intruder
	w      *world
	inbox  handshake.Inbox // its own, which it never subscribes to
	heard  []handshake.Message
	others map[[16]byte]handshake.Inbox // of others, as their hellos and checks told

	running sync.WaitGroup // what it is about to say
	mu      sync.Mutex     // guards over
	over    bool           // the test has ended, and it says no more
}

func (w *world) holder() *holder {
	inbox, _ := newInbox()
	h := &holder{intruder: w.intruder(), w: w, inbox: inbox, others: make(map[[16]byte]handshake.Inbox)}
	w.t.Cleanup(func() {
		h.mu.Lock()
		h.over = true
		h.mu.Unlock()
		h.running.Wait()
	})
	return h
}

// soon lets the holder do something without holding up who tells it to.
func (h *holder) soon(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over {
		h.running.Go(do)
	}
}

// hear reads what everybody with the key can read of a message.
func (h *holder) hear(m message) {
	name := h.w.root().Name(testName)
	if m.topic != handshake.Topic("", name.Rendezvous) {
		return
	}
	opened, err := name.HelloKey().Open(m.payload)
	if err != nil {
		return
	}
	h.heard = append(h.heard, opened)
	switch m := opened.(type) {
	case handshake.Hello:
		h.others[m.Inbox.ID] = m.Inbox
	case handshake.Check:
		h.others[m.Reply.ID] = m.Reply
	}
}

// tell sends a message to an inbox.
func (h *holder) tell(inbox handshake.Inbox, m handshake.Message) {
	payload, err := inbox.Key().Seal(rand.Reader, m)
	if err != nil {
		panic(err) // on any goroutine
	}
	h.publish(inbox.Topic("", 0), payload)
}

// TestOnlyThePeerCanSayGone lets a holder answer each CHECK that it hears with GONE,
// at the speed of light, while the listener's packets are held up so that dialers
// ask. No Conn ends of it.
func TestOnlyThePeerCanSayGone(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		client, l := w.engine(), w.listen(w.engine())
		var dialed, accepted [3]*Conn
		for i := range dialed {
			dialed[i], accepted[i] = w.connect(client, l)
			w.exchange(dialed[i], accepted[i])
		}
		asked := 0
		w.set(func(m message) ([]byte, bool) {
			h.hear(m)
			for _, heard := range h.heard {
				if check, ok := heard.(handshake.Check); ok {
					asked++
					h.soon(func() { h.tell(check.Reply, handshake.Gone{Nonce: check.Nonce, Token: [16]byte{1}}) })
					h.soon(func() { h.tell(check.Reply, handshake.Gone{Nonce: check.Nonce}) })
				}
			}
			h.heard = nil
			return m.payload, !m.isTo(client.uplinks[0].topic) || w.envelope(m) != nil // packets to the dialer are lost
		})
		for _, c := range dialed {
			c.Write([]byte("over and out"))
		}
		time.Sleep(30 * time.Second)
		w.set(nil)
		if asked < len(dialed) {
			t.Errorf("the scene is not set: %d were asked", asked)
		}
		for i := range dialed {
			if n, err := accepted[i].Read(make([]byte, 100)); n != 12 || err != nil {
				t.Errorf("Conn %d: read %d bytes, %v", i, n, err)
			}
			w.exchange(dialed[i], accepted[i])
		}
	})
}

// TestTokensOfLiveConnsStayPrivate asks a dialer about the connection ids that its
// hellos told every holder, before and after they became Conns.
func TestTokensOfLiveConnsStayPrivate(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		told, asked := 0, 0
		ask := func(hello handshake.Hello) {
			h.tell(hello.Inbox, handshake.Check{Nonce: random8(), Reply: h.inbox, ID: hello.ID, Instance: hello.Inbox.ID})
		}
		w.set(func(m message) ([]byte, bool) {
			h.hear(m)
			if m.isTo(h.inbox.Topic("", 0)) {
				told++
			}
			for _, heard := range h.heard[asked:] {
				if hello, ok := heard.(handshake.Hello); ok {
					h.soon(func() { ask(hello) })
				}
			}
			asked = len(h.heard)
			return m.payload, true
		})
		dialed, accepted := w.connect(w.engine(), w.listen(w.engine()))
		w.exchange(dialed, accepted)
		var hello handshake.Hello
		for _, heard := range h.heard {
			if said, ok := heard.(handshake.Hello); ok {
				hello = said
				ask(hello)
			}
		}
		time.Sleep(2 * time.Second)
		simtest.Wait()
		if told != 0 {
			t.Errorf("the holder was told %d times that a live Conn is gone", told)
		}
		dialed.Discard()
		ask(hello)
		simtest.Wait()
		if told != 1 {
			t.Errorf("of one that is gone the holder was told %d times", told)
		}
	})
}

// TestGoneOfAForgottenConn checks the token that a process derives again, by the end
// that asks.
func TestGoneOfAForgottenConn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		time.Sleep(time.Second)
		accepted.Discard()
		start := time.Now()
		dialed.Write([]byte("hello?"))
		wantGone(t, dialed, start, checkAfter)
	})
}

// TestWrongTimeStaysWithItsName lets the holder of one device's key tell a fleet's
// operator a wrong time. Dials to other devices are not delayed by it.
func TestWrongTimeStaysWithItsName(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		fleet := func(c *Config) { c.Fleet = true }
		operator := w.engine(fleet)
		w.listenTo(w.engine(func(c *Config) { c.Key = w.root().Device("honest") }), "honest")
		h := w.holder()
		stolen := handshake.NewRoot(w.root().Device("stolen"), "").Name("stolen")
		w.set(func(m message) ([]byte, bool) {
			if opened, err := stolen.HelloKey().Open(m.payload); err == nil {
				hello := opened.(handshake.Hello)
				h.soon(func() {
					h.tell(hello.Inbox, handshake.Time{ID: hello.ID, Hello: hello.Time, Listener: hello.Time.Add(-time.Hour)})
				})
			}
			return m.payload, true
		})
		ctx, cancel := contextFor(5 * time.Second)
		defer cancel()
		if _, err := operator.Dial(ctx, "stolen", nil); err == nil {
			t.Error("nobody listens there")
		}
		ctx, cancel = contextFor(time.Second)
		defer cancel()
		if _, err := operator.Dial(ctx, "honest", nil); err != nil {
			t.Error(err)
		}
	})
}

// TestBacklogLetsGoOfTheOldest says more hellos than a backlog holds, none of which is
// ever proved, while honest dials succeed.
func TestBacklogLetsGoOfTheOldest(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		server, client := w.engine(), w.engine()
		l := w.listen(server)
		name := w.root().Name(testName)
		for i := range backlog + 76 {
			offer := handshake.Offer{ID: random8(), Inbox: h.inbox, Time: time.Now(), MaxMessageSize: 1 << 10, Links: 1}
			_, hello, err := name.Initiate(rand.Reader, offer)
			if err != nil {
				t.Fatal(err)
			}
			payload, err := name.HelloKey().Seal(rand.Reader, hello)
			if err != nil {
				t.Fatal(err)
			}
			h.publish(l.topic(), payload)
			time.Sleep(time.Millisecond)
			if i%100 == 99 {
				dialed, accepted := w.connect(client, l)
				w.exchange(dialed, accepted)
			}
		}
		simtest.Wait()
		if n := entries(server); n["half-open"] > backlog || n["half-open"] < backlog-10 {
			t.Errorf("the listener has %v", n)
		}
		time.Sleep(halfOpenLife)
		simtest.Wait()
		if n := entries(server); n["half-open"] != 0 || n["Conns"] > 11 {
			t.Errorf("later the listener has %v", n)
		}
	})
}

// TestRepeatsAreCountedForTheirHello replays one hello, and lets others be answered
// again all the same.
func TestRepeatsAreCountedForTheirHello(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.holder()
		server := w.engine()
		l := w.listen(server)
		lost := w.engine()
		w.record()
		w.set(func(m message) ([]byte, bool) { return m.payload, !m.isTo(lost.uplinks[0].topic) })
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		lost.Dial(ctx, testName, nil)
		hello := w.firstTo(l.topic())
		w.record()
		for range 10 * maxRepeats {
			h.publish(l.topic(), hello)
			time.Sleep(time.Millisecond)
		}
		simtest.Wait()
		answers := 0
		for _, m := range w.recorded() {
			if m.isTo(lost.uplinks[0].topic) {
				answers++
			}
		}
		if answers > maxRepeats {
			t.Errorf("one hello was answered %d times", answers)
		}
		dialed, accepted := w.connect(w.engine(), l)
		w.exchange(dialed, accepted)
	})
}

// TestDeviceKeysOpenNothingOfOthers tries every message of a fleet's Conn under the
// key of another device.
func TestDeviceKeysOpenNothingOfOthers(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		operator := w.engine(func(c *Config) { c.Fleet = true })
		l := w.listenTo(w.engine(func(c *Config) { c.Key = w.root().Device("a") }), "a")
		w.record()
		dialed, err := operator.Dial(context.Background(), "a", nil)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		w.exchange(dialed, accepted)
		if dialed.Key() != w.root().Device("a") || accepted.Key() != dialed.Key() {
			t.Error("the Conn is not under the device's key")
		}
		for _, key := range [][16]byte{w.root().Device("b"), w.key} {
			for _, name := range []string{"a", "b"} {
				other := handshake.NewRoot(key, "").Name(name)
				for _, m := range w.recorded() {
					if _, err := other.HelloKey().Open(m.payload); !errors.Is(err, handshake.ErrForged) && !errors.Is(err, handshake.ErrLength) {
						t.Errorf("a message opens under another key: %v", err)
					}
				}
			}
		}
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		if _, err := w.engine(func(c *Config) { c.Key = w.root().Device("b") }).Dial(ctx, "a", nil); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("device b reached device a: %v", err)
		}
	})
}
