package conn

import (
	"errors"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/life"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// hour is a PeerTimeout that does not matter.
const hour = time.Hour

// wantEnd checks when and why a Conn fails.
func (e *end) wantEnd(t *testing.T, after time.Duration, kind error, text string) {
	t.Helper()
	took(t, after, func() {
		if _, err := e.Read(make([]byte, 1)); !errors.Is(err, kind) || err.Error() != text {
			t.Errorf("Read: %v\nwant: %v", err, text)
		}
	})
}

// TestHowConnsFail, when, with what text, and what the Host hears of it.
func TestHowConnsFail(t *testing.T) {
	for name, test := range map[string]struct {
		patience time.Duration
		happen   func(a, b *end)
		after    time.Duration
		text     string
		did      []string
	}{
		"silent": {30 * time.Second, func(a, b *end) { cut(a, b); a.Write([]byte("anybody?")); a.wantNo("check", 3*time.Second-1) }, 30*time.Second - (3*time.Second - 1),
			"nothing was heard of it for 30s; check its power and network, or raise Config.PeerTimeout",
			[]string{"check", "check", "check", "check", "check", "check", "check", "check", "check", "checked", "forget"}},
		"without a path": {30 * time.Second, func(a, b *end) {
			time.Sleep(5 * time.Second)
			cut(a, b)
			a.down(0)
			a.Write([]byte("anybody?"))
		}, 25 * time.Second,
			"there was no connection to it for 25s, and nothing came from the other side for 30s; check the broker and the network here, or raise Config.PeerTimeout",
			[]string{"forget"}},
		"forgotten": {hour, func(a, b *end) { a.Gone(time.Now()) }, 0, "its process no longer knows this connection; dial again", []string{"forget"}},
		"restarted": {hour, func(a, b *end) { cut(a, b); a.Doubt(true, time.Now()); a.peer.Deny(time.Now()) }, 6 * time.Second,
			"its process was restarted: another one listens under its name now; dial again", []string{"check", "checked", "forget"}},
		"unanswered": {30 * time.Second, func(a, b *end) {
			cut(a, b)
			a.Write([]byte("anybody?"))
			for range 29 {
				time.Sleep(time.Second)
				a.peer.Hear(time.Now()) // on another Conn
			}
		}, time.Second, "its process lives but has not answered on this connection for 30s; dial again",
			[]string{"check", "check", "check", "check", "check", "check", "check", "check", "check", "checked", "forget"}},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				a, b := connected(t, patience(test.patience))
				test.happen(a, b)
				who := "peer"
				if name == "without a path" {
					who = "broker"
				}
				a.wantEnd(t, test.after, ErrPeerGone, "mqtte2e: the "+who+" is gone: "+test.text)
				a.wantDid(t, test.did...)
			})
		})
	}
}

// cut has nothing arrive any more, in neither direction.
func cut(a, b *end) {
	a.set(nothing)
	b.set(nothing)
}

// wantNo lets time pass in which the Host is not told something.
func (e *end) wantNo(what string, d time.Duration) {
	time.Sleep(d)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, did := range e.did {
		if did == what {
			e.did = append(e.did, "too early")
		}
	}
}

// TestFailedConnKeepsWhatArrived, and frees what nobody will get.
func TestFailedConnKeepsWhatArrived(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		b.write(t, "last words")
		a.set(nothing)
		a.write(t, "unheard")
		simtest.Wait()
		a.Gone(time.Now())
		if a.Waiting() {
			t.Error("what was written is kept")
		}
		if got, err := a.readAll(); got != "last words" || !errors.Is(err, ErrPeerGone) {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// TestUnconfirmedConnFails: the listener that answered the handshake is not heard of
// again.
func TestUnconfirmedConnFails(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, _ := pair(t)
		a.set(nothing)
		a.Start(time.Now())
		a.wantEnd(t, 30*time.Second, ErrNoAnswer, `mqtte2e: nobody answered: as "lamp": its listener answered the handshake but not the first packet; check its network`)
		if n := a.packets(); n < 3 {
			t.Errorf("the first packet was sent %d times", n)
		}
	})
}

// TestIdleConnAsks for a sign of life, and no more: each packet has one answer.
func TestIdleConnAsks(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t, patience(hour))
		exchange(t, a, b)
		time.Sleep(time.Second)
		sent, answered := a.packets(), b.packets()
		b.set(func([]byte) bool { return true })
		for i := 1; i <= 5; i++ {
			time.Sleep(40 * time.Second)
			if n := a.packets() - sent + b.packets() - answered; n < 2*i || n > 4*i {
				t.Errorf("after %d times 40 s there were %d packets", i, n)
			}
		}
		a.wantDid(t)
	})
}

// TestAnswerAndDoubt send a PING each, and only to a peer that may be there.
func TestAnswerAndDoubt(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := pair(t)
		b.Answer(time.Now())
		if b.Doubt(true, time.Now()) || b.packets() != 0 {
			t.Error("a half-open Conn asks")
		}
		a.Start(time.Now())
		exchange(t, a, b)
		time.Sleep(time.Second)
		before := a.packets()
		a.Answer(time.Now())
		if n := a.packets() - before; n != 1 {
			t.Errorf("%d packets answer", n)
		}
		if !a.Doubt(false, time.Now()) || a.packets()-before != 2 {
			t.Error("a Conn does not ask")
		}
		a.wantDid(t)
		a.set(nothing)
		a.Doubt(true, time.Now())
		a.wantDid(t, "check")
		a.set(nil)
		time.Sleep(time.Second)
		a.wantDid(t, "checked")
		a.Abort()
		before = a.packets()
		a.Answer(time.Now())
		if a.Doubt(true, time.Now()) || a.packets() != before {
			t.Error("a Conn in TIME-WAIT asks")
		}
	})
}

// TestConnMadeWithoutAPath sends no packet before there is one.
func TestConnMadeWithoutAPath(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := pair(t, func(c *Config) { c.Life.PathUp = time.Time{} })
		for _, e := range []*end{a, b} {
			e.set(nothing)
			e.Start(time.Now())
		}
		before := a.packets()
		time.Sleep(5 * time.Second)
		if n := a.packets() - before; n != 0 {
			t.Errorf("%d packets without a path", n)
		}
		for _, e := range []*end{a, b} {
			e.set(nil)
			e.up(0, maxPacket)
		}
		time.Sleep(time.Second)
		exchange(t, a, b)
	})
}

// TestSleepIsTold to who has to raise PeerTimeout.
func TestSleepIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		silence life.Silence
		gaveUp  string
		gone    string
	}{
		"short": {life.Silence{Lasted: 1234 * time.Millisecond}, "nothing was heard of it for 1s; check its power and network, or raise Config.PeerTimeout",
			"its process no longer knows this connection; dial again"},
		"very short": {life.Silence{Lasted: 999 * time.Millisecond}, "nothing was heard of it for 999ms; check its power and network, or raise Config.PeerTimeout",
			"its process no longer knows this connection; dial again"},
		"almost long": {life.Silence{Lasted: 20*time.Second - 1}, "nothing was heard of it for 20s; check its power and network, or raise Config.PeerTimeout",
			"its process no longer knows this connection; dial again"},
		"long": {life.Silence{Lasted: 20 * time.Second}, "nothing was heard of it for 20s; check its power and network, or raise Config.PeerTimeout",
			"its process no longer knows this connection: nothing was heard of it for 20s; dial again, or raise Config.PeerTimeout there"},
		"offline": {life.Silence{Lasted: time.Minute, Offline: 2500 * time.Millisecond}, "nothing was heard of it for 1m0s, 3s of that without a connection to the broker; check its power and network, or raise Config.PeerTimeout",
			"its process no longer knows this connection: nothing was heard of it for 1m0s, 3s of that without a connection to the broker; dial again, or raise Config.PeerTimeout there"},
		"still offline": {life.Silence{Lasted: time.Minute, Offline: time.Minute, Down: true},
			"there was no connection to it for 1m0s, and nothing came from the other side for 1m0s; check the broker and the network here, or raise Config.PeerTimeout",
			"its process no longer knows this connection: nothing was heard of it for 1m0s, 1m0s of that without a connection to the broker; dial again, or raise Config.PeerTimeout there"},
		"slept": {life.Silence{Lasted: time.Second, Slept: time.Hour, Down: true},
			"nothing was heard of it for 1s, and this machine slept for 1h0m0s besides (its clock jumped); raise Config.PeerTimeout at both ends to outlast that",
			"its process no longer knows this connection: nothing was heard of it for 1s, and this machine slept for 1h0m0s besides (its clock jumped); dial again, or raise Config.PeerTimeout there"},
	} {
		const gone = "mqtte2e: the peer is gone: "
		who := gone
		if name == "still offline" {
			who = "mqtte2e: the broker is gone: "
		}
		err := gaveUp(test.silence)
		if got := err.Error(); got != who+test.gaveUp || !errors.Is(err, ErrPeerGone) || errors.Is(err, ErrBroker) != (who != gone) {
			t.Errorf("%s: %s", name, got)
		}
		if got := forgotten(test.silence).Error(); got != gone+test.gone {
			t.Errorf("%s: %s", name, got)
		}
	}
}
