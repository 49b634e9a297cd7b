package engine

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestRestartedListener crashes a listener's process and starts another. The
// dialer, however patient, notices by what is not answered, or by a new dial.
func TestRestartedListener(t *testing.T) {
	for name, test := range map[string]struct {
		touch func(w *world, dialed *Conn)
		want  time.Duration
	}{
		"data is not answered": {func(_ *world, dialed *Conn) { dialed.Write([]byte("hello?")) }, checkAfter + deniedWait},
		"dialled again":        {func(w *world, dialed *Conn) { w.dial(dialed.engine) }, deniedWait},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				first := w.engine()
				dialed, accepted := w.connect(w.engine(timeout(time.Hour)), w.listen(first))
				w.exchange(dialed, accepted)
				time.Sleep(time.Second)
				w.cut(first)
				w.listen(w.engine())
				time.Sleep(5 * time.Second)
				start := time.Now()
				test.touch(w, dialed)
				wantGone(t, dialed, start, test.want)
			})
		})
	}
}

// TestManyConnsOfARestartedListener has more Conns than questions that are
// answered a second. Every other one is idle.
func TestManyConnsOfARestartedListener(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.engine()
		dialed, _ := w.connectMany(w.engine(), w.listen(first), scaled(manyConns/2))
		time.Sleep(time.Second)
		w.cut(first)
		w.listen(w.engine())
		start := time.Now()
		for i, c := range dialed {
			if i%2 == 0 {
				c.Write([]byte("hello?"))
			}
		}
		for _, c := range dialed {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrPeerGone) {
				t.Error(err)
			}
		}
		if passed := time.Since(start); passed != checkAfter+deniedWait {
			t.Errorf("the last of %d Conns ended after %v", len(dialed), passed)
		}
		checkEmpty(t, dialed[0].engine)
	})
}

// TestReconnectingListenerIsNotGone has another listener under the same name
// answer that the Conn is not its own, while the right one is away.
func TestReconnectingListenerIsNotGone(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.engine()
		dialed, accepted := w.connect(w.engine(), w.listen(first))
		w.listen(w.engine())
		w.exchange(dialed, accepted)
		w.cut(first)
		dialed.Write([]byte("over and out"))
		time.Sleep(checkAfter + deniedWait - 2*time.Second) // a reconnect takes up to 1 s
		w.mend(first)
		time.Sleep(time.Minute)
		got := make([]byte, 12)
		if n, err := accepted.Read(got); string(got[:n]) != "over and out" {
			t.Fatalf("read %q, %v", got[:n], err)
		}
		w.exchange(dialed, accepted)
		for _, c := range []*Conn{dialed, accepted} {
			if n := entries(c.engine); n["checks"] != 0 {
				t.Errorf("questions are left open: %v", n)
			}
		}
	})
}

// TestListenerTakesOverAgain has two processes listen in turns.
func TestListenerTakesOverAgain(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, dialer := w.engine(), w.engine(), w.engine()
		l := w.listen(first)
		c, _ := w.connect(dialer, l)
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
		start := time.Now()
		dialed.Write([]byte("hello?"))
		wantGone(t, dialed, start, checkAfter+deniedWait)
	})
}

// TestForgottenConn has one end's process forget the Conn without a word. The
// other one asks, and ends at once.
func TestForgottenConn(t *testing.T) {
	for name, swap := range map[string]bool{"by the listener": false, "by the dialer": true} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				w := newWorld(t)
				keeps, forgets := w.pair()
				w.exchange(keeps, forgets)
				if swap {
					keeps, forgets = forgets, keeps
				}
				time.Sleep(time.Second)
				forgets.Discard()
				start := time.Now()
				keeps.Write([]byte("hello?"))
				wantGone(t, keeps, start, checkAfter)
			})
		})
	}
}

// TestCheckOfALiveConnIsAnsweredByTheConn drops one direction's packets, so that
// a live peer is asked again and again.
func TestCheckOfALiveConnIsAnsweredByTheConn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		dialed, accepted := w.pair()
		w.exchange(dialed, accepted)
		time.Sleep(time.Second)
		asked := 0
		w.set(func(m message) ([]byte, bool) {
			switch w.envelope(m).(type) {
			case handshake.Check:
				asked++
			case nil:
				return m.payload, m.isTo(dialed.engine.uplinks[0].topic)
			}
			return m.payload, true
		})
		dialed.Write([]byte("hello?"))
		time.Sleep(time.Minute)
		w.set(nil)
		if asked == 0 {
			t.Error("nobody asked")
		}
		got := make([]byte, 6)
		if _, err := io.ReadFull(readerOf{accepted}, got); string(got) != "hello?" {
			t.Errorf("read %q, %v", got, err)
		}
		w.exchange(accepted, dialed)
	})
}
