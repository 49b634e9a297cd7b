package engine

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/record"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestCloseMeetsDials closes Listeners, Engines and Conns while hellos, answers
// and first packets are on their way. Whatever happens, all calls return and
// nothing is left.
func TestCloseMeetsDials(t *testing.T) {
	for round := range 15 {
		simtest.Run(t, func(t *testing.T) { closeMeetsDials(t, round) })
	}
}

func closeMeetsDials(t *testing.T, round int) {
	const conns = 20
	w := newWorld(t)
	server, client := w.engine(), w.engine()
	l := w.listen(server)
	if err := client.start(context.Background()); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range conns {
		calls.Go(func() {
			if c, err := client.Dial(context.Background(), testName, nil); err == nil {
				c.Write(make([]byte, 1000))
				c.Close()
			}
		})
	}
	accepted := make(chan struct{}, conns)
	calls.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write(make([]byte, 1000))
			accepted <- struct{}{}
		}
	})
	for range round % 5 {
		<-accepted
	}
	switch round % 3 {
	case 0:
		l.Close()
	case 1:
		client.Close()
		l.Close()
	case 2:
		calls.Go(func() { server.Close() })
		calls.Go(func() { client.Close() })
		calls.Go(func() { server.Close() })
	}
	calls.Wait()
	server.Close()
	client.Close()
	checkEmpty(t, server)
	checkEmpty(t, client)
}

// TestListenAgainWhileClosing hands a name from one Listener to the next.
func TestListenAgainWhileClosing(t *testing.T) {
	w := newWorld(t)
	e := w.engine()
	l := w.listen(e)
	for range 200 {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			l.Close()
		}()
		next, err := e.Listen(context.Background(), testName, nil)
		for errors.Is(err, errListening) {
			next, err = e.Listen(context.Background(), testName, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		<-closed
		l = next
	}
	dialed, accepted := w.connect(w.engine(), l)
	w.exchange(dialed, accepted)
}

func TestDuplicateListen(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		e := w.engine()
		first := w.listen(e)
		if _, err := e.Listen(context.Background(), testName, nil); !errors.Is(err, errListening) {
			t.Errorf("a second Listener under one name: %v", err)
		}
		dialed, accepted := w.connect(w.engine(), first)
		first.Close()
		if _, err := first.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
		w.exchange(dialed, accepted)
		dialed, accepted = w.connect(w.engine(), w.listen(e))
		w.exchange(dialed, accepted)
	})
}

// TestHelloWhileTheEngineCloses comes between the two steps of Close.
func TestHelloWhileTheEngineCloses(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		server := w.engine()
		w.listen(server)
		mark := func(closed bool) {
			server.mu.Lock()
			defer server.mu.Unlock()
			server.closed = closed
		}
		mark(true)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := w.engine().Dial(ctx, testName, nil); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("a closing Engine answered: %v", err)
		}
		mark(false)
		server.Close()
		checkEmpty(t, server)
	})
}

// TestConnMadeBeforeTheLinkSaysThatItIsUp repeats its first packet like any other.
func TestConnMadeBeforeTheLinkSaysThatItIsUp(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		e := newWorld(t).engine()
		now := time.Now()
		c := e.enter(agreed{id: [8]byte{1}, origin: origin{dialer: true}, links: 1, maxMessageSize: e.config.MaxMessageSize}, now)
		e.uplinks[0].Up(now)
		c.Start(now)
		room := make([]byte, 2*e.config.MaxMessageSize)
		c.Fill(0, room, now)
		time.Sleep(2 * time.Second)
		if c.Fill(0, room, time.Now()) == 0 {
			t.Error("nothing is repeated")
		}
		c.Discard()
	})
}

// TestPacketForADialInProgress comes from a listener that does not wait for
// the dialer's first packet.
func TestPacketForADialInProgress(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		e := newWorld(t).engine()
		now := time.Now()
		c := e.enter(agreed{id: [8]byte{1}, origin: origin{dialer: true}, links: 1, maxMessageSize: e.config.MaxMessageSize}, now)
		room := make([]byte, 100)
		size := record.NewSealer([32]byte{}, c.id, record.NewMask(e.inbox.MaskKey()), e.config.epochBits).Seal(room, room[12:62])
		e.uplinks[0].receiveInbox(nil, room[:size], now)
		if stats := c.Stats(); stats.PacketsReceived != 1 || stats.Rejected != 0 {
			t.Errorf("%+v", stats)
		}
		c.Discard()
	})
}

// TestHowLongCloseOfTheEngineWaits for what lingers.
func TestHowLongCloseOfTheEngineWaits(t *testing.T) {
	for name, test := range map[string]struct {
		before func(w *world, c *Conn)
		want   time.Duration
	}{
		"nothing is left":    {func(*world, *Conn) {}, 0},
		"it is delivered":    {func(_ *world, c *Conn) { c.Write(make([]byte, 8<<10)) }, 0}, // within the first window
		"the peer is silent": {func(w *world, c *Conn) { w.set(refuse); c.Write([]byte("not heard")) }, 5 * time.Second},
		"the broker is gone": {func(w *world, c *Conn) { w.broker.Stop(); c.Write([]byte("not sent")) }, 5 * time.Second},
		"the Conn has failed": {func(w *world, c *Conn) {
			w.broker.Stop()
			c.Write([]byte("not sent"))
			time.Sleep(10 * time.Minute)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				dialed, accepted := w.pair()
				w.exchange(dialed, accepted)
				test.before(w, dialed)
				start := time.Now()
				if err := dialed.engine.Close(); err != nil || time.Since(start) != test.want {
					t.Errorf("Close took %v and returned %v, want %v", time.Since(start), err, test.want)
				}
				checkEmpty(t, dialed.engine)
				if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) && !errors.Is(err, ErrPeerGone) {
					t.Errorf("Read after Close: %v", err)
				}
			})
		})
	}
}
