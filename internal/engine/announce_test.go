package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/broker"
	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// announcements is their topic.
func (w *world) announcements() string {
	return handshake.Topic("", w.root().Name(testName).Announcements)
}

// withoutAnnouncements is a rule.
func (w *world) withoutAnnouncements(m message) ([]byte, bool) {
	return m.payload, !m.isTo(w.announcements())
}

// TestRestartedListener crashes a listener's process and starts another: dialers
// with nothing to say notice.
func TestRestartedListener(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.engine()
		l := w.listen(first)
		var idle []*Conn
		for range 3 {
			dialed, accepted := w.connect(w.engine(), l)
			w.exchange(dialed, accepted)
			idle = append(idle, dialed)
		}
		time.Sleep(time.Minute)
		w.cut(first)
		time.Sleep(5 * time.Second)
		w.listen(w.engine())
		start := time.Now()
		for _, c := range idle {
			wantGone(t, c, start, strangerWait)
		}
	})
}

// TestSecondListenerDisturbsNobody starts one under the same name.
func TestSecondListenerDisturbsNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		w.listen(w.engine())
		time.Sleep(time.Minute)
		w.exchange(dialed, accepted)
		if n := entries(dialed.engine); n["checks"] != 0 {
			t.Errorf("questions are left open: %v", n)
		}
	})
}

// TestAnnouncementReplayed lets one count once, and what others publish there
// not at all.
func TestAnnouncementReplayed(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		simtest.Wait() // the dialer attends
		w.record()
		w.listen(w.engine())
		time.Sleep(checkAfter)
		var here []byte
		for _, m := range w.recorded() {
			if m.isTo(w.announcements()) {
				here = m.payload
			}
		}
		rejected := dialed.engine.Stats().Rejected
		w.record()
		intruder := w.intruder()
		for i := range 10 {
			intruder.publish(w.announcements(), here)
			here[i]++
			intruder.publish(w.announcements(), here)
			here[i]--
		}
		time.Sleep(checkAfter)
		for _, m := range w.recorded() {
			if !m.isTo(w.announcements()) {
				t.Errorf("%d bytes were sent to %s", len(m.payload), m.topic)
			}
		}
		if n := dialed.engine.Stats().Rejected - rejected; n != 10 {
			t.Errorf("%d rejected, want 10", n)
		}
		w.exchange(dialed, accepted)
	})
}

// TestAnnouncementsForbidden has a broker that refuses their topic, at first or
// after a reconnect.
func TestAnnouncementsForbidden(t *testing.T) {
	for name, later := range map[string]bool{"at once": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				var w *world
				var allowed atomic.Bool
				allowed.Store(later)
				w = newWorld(t, broker.Config{Subscribe: func(filter string) bool { return allowed.Load() || filter != w.announcements() }})
				dialed, accepted := w.pair()
				w.exchange(dialed, accepted)
				time.Sleep(time.Second)
				allowed.Store(false)
				w.cut(dialed.engine)
				w.mend(dialed.engine)
				time.Sleep(time.Minute)
				w.exchange(dialed, accepted)
				if n := dialed.engine.Stats().Reconnects; n != 1 {
					t.Errorf("%d reconnects, want 1", n)
				}
			})
		})
	}
}

// A picky connection does something else than pass on what names a topic.
type picky struct {
	net.Conn
	topic  string
	hangUp bool
}

func (c *picky) Write(p []byte) (int, error) {
	switch {
	case !bytes.Contains(p, []byte(c.topic)):
		return c.Conn.Write(p)
	case c.hangUp:
		c.Conn.Close()
	}
	return len(p), nil
}

// TestAnnouncementsDisliked has a broker that hangs up on who subscribes to
// them, or never answers: after a while it is not asked any more.
func TestAnnouncementsDisliked(t *testing.T) {
	for name, hangUp := range map[string]bool{"hangs up": true, "never answers": false} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				e := w.engine(func(c *Config) {
					dial := c.Link.DialContext
					c.Link.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := dial(ctx, network, address)
						return &picky{conn, w.announcements(), hangUp}, err
					}
				})
				dialed, accepted := w.connect(e, w.listen(w.engine()))
				time.Sleep(time.Minute)
				w.exchange(dialed, accepted)
				if n := e.Stats().Reconnects; n != 1 || !e.link.IsUp() { // the second connection never was up
					t.Errorf("%d reconnects, want 1", n)
				}
			})
		})
	}
}

// TestListenerTakesOverAgain has two processes listen in turns.
func TestListenerTakesOverAgain(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, dialer := w.engine(), w.engine(), w.engine()
		l := w.listen(first)
		c, _ := w.connect(dialer, l)
		time.Sleep(time.Second) // the dialer attends
		standby := w.listen(second)
		l.Close()
		c.Close()
		time.Sleep(time.Minute)
		l = w.listen(first)
		standby.Close()
		dialed, accepted := w.connect(dialer, l)
		w.exchange(dialed, accepted)
		w.cut(first)
		time.Sleep(5 * time.Second)
		w.listen(second)
		wantGone(t, dialed, time.Now(), strangerWait)
	})
}

// TestAnnouncementsAreBounded floods a dialer with genuine ones.
func TestAnnouncementsAreBounded(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		time.Sleep(time.Second)
		before, _, _ := dialed.Stats()
		intruder := w.intruder()
		const count = 1000
		for i := range count {
			here := handshake.Here{Inbox: [16]byte{byte(i), byte(i >> 8), 1}}
			payload, err := w.root().Name(testName).Announcement().Seal(rand.Reader, here)
			if err != nil {
				t.Fatal(err)
			}
			intruder.publish(w.announcements(), payload)
			time.Sleep(10 * time.Millisecond)
		}
		after, _, _ := dialed.Stats()
		if n := after.PacketsSent - before.PacketsSent; n > 3*(announcementBurst+count/100) { // a PING, an ACK, and one to spare
			t.Errorf("%d packets were sent for %d announcements in 10 s", n, count)
		}
		w.exchange(dialed, accepted)
	})
}

// TestAnnouncementsOfManyNames dials more names of one process than are
// attended: what is heard of one name counts for all its Conns.
func TestAnnouncementsOfManyNames(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialer, first := w.engine(), w.engine()
		var dialed []*Conn
		for i := range maxAttended + 1 {
			c, _ := w.connect(dialer, w.listenTo(first, fmt.Sprint("lamp", i)))
			dialed = append(dialed, c)
		}
		if n := len(dialer.attended); n != maxAttended {
			t.Errorf("%d names are attended, want %d", n, maxAttended)
		}
		time.Sleep(time.Second)
		w.cut(first)
		second := w.engine()
		for i := range dialed {
			w.listenTo(second, fmt.Sprint("lamp", i))
		}
		start := time.Now()
		for _, c := range dialed {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrPeerGone) {
				t.Error(err)
			}
		}
		if passed := time.Since(start); passed != strangerWait {
			t.Errorf("the last one ended after %v", passed)
		}
	})
}
