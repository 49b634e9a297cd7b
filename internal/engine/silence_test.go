package engine

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// longTimeouts are those with which a peer is asked as often as with the usual.
var longTimeouts = []time.Duration{2 * time.Minute, time.Hour, 0}

// TestPatienceDoesNotAskLessOften lets a Conn rest.
func TestPatienceDoesNotAskLessOften(t *testing.T) {
	for _, patience := range longTimeouts {
		t.Run(fmt.Sprint(patience), func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				dialed, accepted := w.pair(timeout(patience))
				w.exchange(dialed, accepted)
				time.Sleep(time.Second)
				last := time.Now()
				w.record()
				time.Sleep(20 * time.Minute)
				log := w.recorded()
				for _, m := range log {
					if gap := m.at.Sub(last); gap > maxKeepAlive {
						t.Errorf("nothing was sent for %v", gap)
					}
					last = m.at
				}
				if most := 4 * int(20*time.Minute/maxKeepAlive); len(log) > most || time.Since(last) > maxKeepAlive {
					t.Errorf("%d packets in 20 minutes, the last one %v ago", len(log), time.Since(last))
				}
			})
		})
	}
}

// TestIdleConnsNoticeARestart has several Conns with nothing to say, and a new
// listener.
func TestIdleConnsNoticeARestart(t *testing.T) {
	for _, patience := range longTimeouts {
		t.Run(fmt.Sprint(patience), func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				first, dialer := w.engine(), w.engine(timeout(patience))
				dialed, _ := w.connectMany(dialer, w.listen(first), 10)
				time.Sleep(5 * time.Minute)
				w.cut(first)
				start := time.Now()
				w.listen(w.engine())
				for _, c := range dialed {
					c.SetReadDeadline(start.Add(5 * time.Minute))
					if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrPeerGone) || !strings.Contains(err.Error(), "restarted") {
						t.Error(err)
					}
				}
				if passed := time.Since(start); passed > time.Minute {
					t.Errorf("the last one ended after %v", passed)
				}
			})
		})
	}
}

// suspend lets an Engine's machine sleep: nothing comes or goes, and its wall
// clock goes on beside the other one.
func (w *world) suspend(e *Engine, k *clock, d time.Duration) {
	w.cut(e)
	k.set(d)
	time.Sleep(d)
	w.mend(e)
}

// TestSuspendIsOutlasted sleeps for longer than the library waits by default.
func TestSuspendIsOutlasted(t *testing.T) {
	for _, slept := range []time.Duration{150 * time.Second, 50 * time.Minute} {
		simtest.Run(t, func(t *testing.T) {
			w := newWorld(t)
			var clock clock
			dialer := w.engine(timeout(time.Hour), clock.wall)
			dialed, accepted := w.connect(dialer, w.listen(w.engine(timeout(time.Hour))))
			w.exchange(dialed, accepted)
			w.suspend(dialer, &clock, slept)
			start := time.Now()
			w.exchange(dialed, accepted)
			if passed := time.Since(start); passed > time.Minute { // a link that was down so long pauses
				t.Errorf("data flowed after %v", passed)
			}
		})
	}
}

// TestErrorsTellWhatWasSeen of a silence that was too long.
func TestErrorsTellWhatWasSeen(t *testing.T) {
	const silence = 150 * time.Second
	cutFor := func(w *world, e *Engine) {
		w.cut(e)
		time.Sleep(silence)
		w.mend(e)
	}
	for name, test := range map[string]struct {
		patience time.Duration // of the dialer; the listener has the default
		happens  func(w *world, dialed, accepted *Conn, k *clock)
		want     string
	}{
		"slept": {2 * time.Minute, func(w *world, dialed, _ *Conn, k *clock) { w.suspend(dialed.engine, k, silence) },
			"nothing was heard of it for 2m0s, 2m0s of that without a connection to the broker, and this machine slept for 2m30s besides (its clock jumped); raise Config.PeerTimeout at both ends to outlast that"},
		"slept, and the listener gave up": {time.Hour, func(w *world, dialed, _ *Conn, k *clock) { w.suspend(dialed.engine, k, silence) },
			"its process no longer knows this connection: nothing was heard of it for 2m~s, 2m~s of that without a connection to the broker, and this machine slept for 2m30s besides (its clock jumped); dial again, or raise Config.PeerTimeout there"},
		"away, and the listener gave up": {time.Hour, func(w *world, dialed, _ *Conn, k *clock) { cutFor(w, dialed.engine) },
			"its process no longer knows this connection: nothing was heard of it for 2m~s, 2m~s of that without a connection to the broker; dial again, or raise Config.PeerTimeout there"},
		"no broker": {2 * time.Minute, func(w *world, _, _ *Conn, _ *clock) { w.broker.Stop() },
			"there was no connection to it for 2m0s, and nothing came from the other side for 2m0s; check the broker and the network here, or raise Config.PeerTimeout"},
		"silent peer": {2 * time.Minute, func(w *world, _, accepted *Conn, _ *clock) { w.cut(accepted.engine) },
			"nothing was heard of it for 2m0s; check its power and network, or raise Config.PeerTimeout"},
		"slept before": {2 * time.Minute, func(w *world, dialed, accepted *Conn, k *clock) {
			k.set(time.Hour)
			time.Sleep(clockSample)
			w.exchange(dialed, accepted)
			w.cut(accepted.engine)
		}, "nothing was heard of it for 2m0s; check its power and network, or raise Config.PeerTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				var clock clock
				dialed, accepted := w.connect(w.engine(timeout(test.patience), clock.wall), w.listen(w.engine()))
				w.exchange(dialed, accepted)
				time.Sleep(time.Second)
				w.exchange(dialed, accepted)
				test.happens(w, dialed, accepted, &clock)
				dialed.Write([]byte("hello?"))
				_, err := dialed.Read(make([]byte, 1))
				kind := ErrPeerGone
				if name == "no broker" {
					kind = ErrOffline
				}
				want := regexp.QuoteMeta(kind.Error() + ": " + test.want)
				want = strings.ReplaceAll(want, "~", "3[0-9]") // a reconnect takes a random time
				if err == nil || !regexp.MustCompile("^"+want+"$").MatchString(err.Error()) {
					t.Errorf("the error is\n%v, want\n%v", err, want)
				}
			})
		})
	}
}

// TestDeadPeerCostsNoMoreThanALiveOne lets a dialer's process end without a
// word, whose Conns at the listener are kept for an hour. Those with nothing to
// say do not all ask, but for the few that have just begun to.
func TestDeadPeerCostsNoMoreThanALiveOne(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialer := w.engine()
		l := w.listen(w.engine(timeout(time.Hour)))
		_, accepted := w.connectMany(dialer, l, 200)
		time.Sleep(10*time.Minute + 50*time.Second) // few have just asked for themselves
		w.cut(dialer)
		const writing = 40 // whose growth stands out from what the heap grows and shrinks by
		for _, c := range accepted[:writing] {
			c.Write(make([]byte, 10<<10))
		}
		time.Sleep(time.Minute)
		before := memory()
		time.Sleep(58 * time.Minute)
		grown := memory() - before
		t.Logf("in an hour %d Conns grew by %d bytes together", len(accepted), grown)
		if !simtest.Race && grown > writing*idleLimit {
			t.Errorf("that is as much as %d live ones hold", grown/idleLimit)
		}
		asking := 0
		for _, c := range accepted[writing:] {
			if !c.SilentSince().IsZero() {
				asking++
			}
		}
		if asking > len(accepted)/4 {
			t.Errorf("%d Conns with nothing to say ask", asking)
		}
		time.Sleep(2 * time.Minute)
		simtest.Wait()
		if n := entries(l.engine); len(n) != 1 || n["Listeners"] != 1 {
			t.Errorf("after the hour the Engine has %v", n)
		}
	})
}
