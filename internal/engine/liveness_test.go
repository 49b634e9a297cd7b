package engine

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// timeout returns a change of PeerTimeout.
func timeout(d time.Duration) func(*Config) {
	return func(c *Config) { c.PeerTimeout = d }
}

// TestSilenceIsProbed has an end that probes, and one that never does.
func TestSilenceIsProbed(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.connect(w.engine(timeout(30*time.Second)), w.listen(w.engine(timeout(0))))
		w.exchange(dialed, accepted)
		start := time.Now()
		time.Sleep(time.Second)
		w.record()
		time.Sleep(time.Minute)
		if at, want := w.packetTimes(w.recorded(), start), seconds(10, 20, 30, 40, 50, 60); !slices.Equal(at, want) {
			t.Errorf("packets at %v, want %v", at, want)
		}
		if log := w.recorded(); len(log) != 12 {
			t.Errorf("%d packets for six probes and their answers", len(log))
		}
	})
}

// wantGone checks that a Conn's Read fails with ErrPeerGone at the given time,
// that Write does, and that this is not taken for the end of the stream.
func wantGone(t *testing.T, c *Conn, start time.Time, want time.Duration) {
	t.Helper()
	n, err := c.Read(make([]byte, 100))
	if passed := time.Since(start); n != 0 || passed != want || !errors.Is(err, ErrPeerGone) || errors.Is(err, io.EOF) {
		t.Errorf("Read after %v: %d, %v; want ErrPeerGone after %v", passed, n, err, want)
	}
	if _, err := c.Write([]byte("more")); !errors.Is(err, ErrPeerGone) {
		t.Errorf("Write: %v", err)
	}
	if n := entries(c.engine); c.engine.conn(c.id) != nil || n["checks"] != 0 {
		t.Errorf("the Engine still has the Conn, or one of %v", n)
	}
}

func TestSilentPeerIsGoneAfterPeerTimeout(t *testing.T) {
	silence := map[string]func(w *world, dialed, accepted *Conn){
		"messages are dropped":        func(w *world, _, _ *Conn) { w.set(refuse) },
		"the broker is gone":          func(w *world, _, _ *Conn) { w.broker.Stop() },
		"the dialer's link is down":   func(w *world, dialed, _ *Conn) { w.cut(dialed.engine) },
		"the listener's link is down": func(w *world, _, accepted *Conn) { w.cut(accepted.engine) },
	}
	for name, begin := range silence {
		for _, written := range []int{0, 10, 1 << 20} {
			t.Run(name, func(t *testing.T) {
				simtest.Run(t, func(t *testing.T) { silentPeer(t, begin, written) })
			})
		}
	}
}

// silentPeer writes so many bytes each way into the silence.
func silentPeer(t *testing.T, begin func(w *world, dialed, accepted *Conn), written int) {
	w := newWorld(t)
	dialed, accepted := w.pair(timeout(30 * time.Second))
	w.exchange(dialed, accepted)
	start := time.Now()
	begin(w, dialed, accepted)
	simtest.Wait()
	for _, c := range []*Conn{dialed, accepted} {
		go c.Write(make([]byte, written))
	}
	wantGone(t, dialed, start, 30*time.Second)
	wantGone(t, accepted, start, 30*time.Second)
	for _, c := range []*Conn{dialed, accepted} {
		c.Close()
		if n := entries(c.engine); len(n) > 1 || n["Listeners"] != len(n) {
			t.Errorf("after Close the Engine has %v", n)
		}
	}
}

// TestArrivedDataIsReadBeforeTheFailure lets a peer vanish that had written.
func TestArrivedDataIsReadBeforeTheFailure(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		dialed.Write([]byte("last words"))
		simtest.Wait()
		w.broker.Stop()
		time.Sleep(10 * time.Minute)
		got, err := io.ReadAll(readerOf{accepted})
		if string(got) != "last words" || !errors.Is(err, ErrPeerGone) {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// TestNoPeerTimeout survives an outage of many hours.
func TestNoPeerTimeout(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair(timeout(0))
		w.exchange(dialed, accepted)
		w.broker.Stop()
		time.Sleep(8 * time.Hour)
		w.broker.Start()
		w.exchange(dialed, accepted)
	})
}

// TestOneConnOfAPeerSpeaksForAll has an idle Conn and a busy one. The idle one
// asks for itself once in PeerTimeout, in case that only it was forgotten.
func TestOneConnOfAPeerSpeaksForAll(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		client, l := w.engine(timeout(30*time.Second)), w.listen(w.engine(timeout(30*time.Second)))
		idle, idleThere := w.connect(client, l)
		busy, busyThere := w.connect(client, l)
		w.exchange(idle, idleThere)
		time.Sleep(time.Second)
		before := idle.Stats()
		for range 60 {
			time.Sleep(time.Second)
			w.exchange(busy, busyThere)
		}
		after := idle.Stats()
		if sent := after.PacketsSent - before.PacketsSent; sent == 0 || sent > 4 {
			t.Errorf("the idle Conn sent %d packets, want a PING or two and the ACKs for the peer's", sent)
		}
	})
}
