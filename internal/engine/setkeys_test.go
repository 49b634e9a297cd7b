package engine

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// under returns a change of Key.
func under(key [16]byte) func(*Config) { return func(c *Config) { c.Key = key } }

// TestSetKeys serves three keys, takes one away in the middle of transfers, and gives
// it back.
func TestSetKeys(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		keys := [][16]byte{w.key, {2}, {3}}
		l := w.listen(w.engine())
		if err := l.SetKeys(keys); err != nil {
			t.Fatal(err)
		}
		var dialed, accepted [3]*Conn
		var engines [3]*Engine
		for i, key := range keys {
			engines[i] = w.engine(under(key))
			dialed[i], accepted[i] = w.connect(engines[i], l)
			if accepted[i].Key() != key || dialed[i].Key() != key {
				t.Errorf("Conn %d does not say its key", i)
			}
			w.exchange(dialed[i], accepted[i])
		}
		if err := l.SetKeys([][16]byte{keys[0], keys[2]}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for _, c := range []*Conn{dialed[1], accepted[1]} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) || time.Since(start) > time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			} else {
				t.Log(err)
			}
		}
		w.exchange(dialed[0], accepted[0])
		w.exchange(dialed[2], accepted[2])
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		if _, err := engines[1].Dial(ctx, testName, nil); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("a key that is gone: %v", err)
		}
		if err := l.SetKeys(keys); err != nil {
			t.Fatal(err)
		}
		again, there := w.connect(engines[1], l)
		w.exchange(again, there)
		w.exchange(dialed[0], accepted[0])
	})
}

// TestSetKeysResetsWhatWasNotAccepted takes away the key of Conns that wait for
// Accept, or to be proved.
func TestSetKeysResetsWhatWasNotAccepted(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		server := w.engine()
		l := w.listen(server)
		if err := l.SetKeys([][16]byte{w.key, {2}}); err != nil {
			t.Fatal(err)
		}
		waits := w.dial(w.engine(under([16]byte{2})))
		simtest.Wait()
		late := w.engine(under([16]byte{2}))
		w.set(func(m message) ([]byte, bool) { return m.payload, !m.isTo(late.uplinks[0].topic) })
		ctx, cancel := contextFor(time.Second)
		defer cancel()
		late.Dial(ctx, testName, nil)
		if n := entries(server); n["waiting"] != 1 || n["half-open"] != 1 {
			t.Fatalf("the scene is not set: %v", n)
		}
		w.set(nil)
		if err := l.SetKeys([][16]byte{w.key}); err != nil {
			t.Fatal(err)
		}
		if _, err := waits.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
		if n := entries(server); n["waiting"]+n["half-open"] != 0 {
			t.Errorf("the Listener still has %v", n)
		}
		dialed, accepted := w.connect(w.engine(), l)
		w.exchange(dialed, accepted)
	})
}

// TestSetKeysWithoutABroker changes nothing.
func TestSetKeysWithoutABroker(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		w.broker.Stop()
		l := accepted.origin.listener
		if err := l.SetKeys([][16]byte{{2}}); !errors.Is(err, ErrBroker) {
			t.Errorf("SetKeys: %v", err)
		}
		w.broker.Start()
		w.exchange(dialed, accepted)
		dialed, accepted = w.connect(w.engine(), l)
		w.exchange(dialed, accepted)
	})
}

// TestManyKeys serves a thousand, and is reached under some of them after a restart
// of the broker, too.
func TestManyKeys(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		keys := make([][16]byte, scaled(1000))
		for i := range keys {
			keys[i] = [16]byte{1, byte(i), byte(i >> 8)}
		}
		l := w.listen(w.engine())
		if err := l.SetKeys(keys); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"at first", "after a restart of the broker"} {
			for i := 0; i < len(keys); i += len(keys) / 5 {
				dialed, accepted := w.connect(w.engine(under(keys[i])), l)
				w.exchange(dialed, accepted)
			}
			w.broker.Stop()
			w.broker.Start()
			time.Sleep(10 * time.Second)
			t.Log(name)
		}
	})
}

// TestFleetOfMany dials thousands of devices, each under its own key, over one Engine.
func TestFleetOfMany(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		operator, devices := w.engine(func(c *Config) { c.Fleet = true }), w.engine(func(c *Config) { c.Fleet = true })
		for i := range scaled(1000) {
			name := fmt.Sprint("device-", i)
			dialed, accepted := w.connect(operator, w.listenTo(devices, name))
			w.exchange(dialed, accepted)
			if dialed.Key() != w.root().Device(name) {
				t.Fatal("not under the key of the device")
			}
		}
		if n := entries(operator); n["peers"] != 1 || n["Conns"] != scaled(1000) {
			t.Errorf("the operator has %v", n)
		}
	})
}

// TestKeysAreServedBeforeTheBrokerIsAsked looks at the tables when the broker is asked for
// a rendezvous: a hello may follow its confirmation at once, and is answered only once.
func TestKeysAreServedBeforeTheBrokerIsAsked(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		var server atomic.Pointer[Engine]
		var asked, served atomic.Int32
		w := newWorld(t, broker.Config{Subscribe: func(topic string) bool {
			if topic == server.Load().uplinks[0].topic {
				return true
			}
			asked.Add(1)
			for _, r := range server.Load().rendezvous() {
				if r.topic == topic {
					served.Add(1)
				}
			}
			return true
		}})
		server.Store(w.engine())
		if err := w.listen(server.Load()).SetKeys([][16]byte{w.key, {2}}); err != nil {
			t.Fatal(err)
		}
		if asked.Load() < 2 || served.Load() != asked.Load() {
			t.Errorf("%d of %d were served", served.Load(), asked.Load())
		}
	})
}

// TestCloseEndsSetKeys closes a Listener that waits for the broker, and listens again.
func TestCloseEndsSetKeys(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		server, keys := w.engine(), [][16]byte{w.key, {2}}
		l := w.listen(server)
		w.broker.Stop()
		set := make(chan error)
		go func() { set <- l.SetKeys(keys) }()
		simtest.Wait()
		l.Close()
		if err := <-set; !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetKeys: %v", err)
		}
		if err := l.SetKeys(keys[:1]); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetKeys after Close: %v", err)
		}
		w.broker.Start()
		l = w.listen(server)
		if err := l.SetKeys(keys); err != nil {
			t.Fatal(err)
		}
		dialed, accepted := w.connect(w.engine(under([16]byte{2})), l)
		w.exchange(dialed, accepted)
	})
}
