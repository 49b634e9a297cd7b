package mux

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestQuotaAgainstModel takes and gives at random.
func TestQuotaAgainstModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		n := 1 + random.IntN(20)
		q, keys, has, total := newQuota(n), 1+random.IntN(5), make(map[int]int), 0
		for range 1000 {
			key, amount := random.IntN(keys), 1+random.IntN(3)
			mine := q.of(mqtte2e.Key{byte(key)})
			if random.IntN(2) == 0 && has[key] >= amount {
				mine.give(amount)
				has[key], total = has[key]-amount, total-amount
				continue
			}
			want := has[key]+amount <= 2*n-total-amount
			if got := mine.take(amount); got != want {
				t.Fatalf("with %d of %d, %d of them one's own, taking %d succeeds: %v", total, 2*n, has[key], amount, got)
			}
			if want {
				has[key], total = has[key]+amount, total+amount
			}
			if has[key] > n || total > 2*n {
				t.Fatalf("one key has %d, all have %d, of %d", has[key], total, n)
			}
		}
		for key, amount := range has {
			q.of(mqtte2e.Key{byte(key)}).give(amount)
		}
		if q.left != 2*n || len(q.taken) != 0 {
			t.Fatalf("left are %d of %d, %d keys are remembered", q.left, 2*n, len(q.taken))
		}
	}
}

// keyed is a connection under a key.
type keyed struct {
	net.Conn
	key mqtte2e.Key
}

func (k keyed) Key() mqtte2e.Key { return k.key }

var _ interface{ Key() mqtte2e.Key } = (*mqtte2e.Conn)(nil) // as keyOf wants it

// limited is a program that serves sessions within Limits, and resets no stream.
type limited struct {
	Limits
	t *testing.T
}

// dial makes a session under a key.
func (l *limited) dial(key byte) (client, server *Session, err error) {
	c, s := simtest.Pipe()
	client, _ = Client(c)
	l.t.Cleanup(func() { client.Close() })
	server, err = l.Server(keyed{s, mqtte2e.Key{key}})
	return client, server, err
}

func (l *limited) mustDial(key byte) (client, server *Session) {
	l.t.Helper()
	client, server, err := l.dial(key)
	if err != nil {
		l.t.Fatal(err)
	}
	return client, server
}

// wantFree checks that nothing is taken.
func (l *limited) wantFree() {
	l.t.Helper()
	simtest.Wait()
	for what, q := range map[string]*quota{"sessions": l.sessions, "streams": l.streams, "windows": l.windows} {
		if len(q.taken) != 0 {
			l.t.Errorf("of the %s are still taken: %v", what, q.taken)
		}
	}
}

func inLimits(t *testing.T, limits *Limits, f func(t *testing.T, l *limited)) {
	t.Helper()
	simtest.Run(t, func(t *testing.T) {
		l := &limited{t: t}
		l.MaxSessions, l.MaxStreams, l.IdleTimeout = limits.MaxSessions, limits.MaxStreams, limits.IdleTimeout
		f(t, l)
	})
}

// TestSessionsOfOneKey has one holder of a key make sessions until there are no
// more for it.
func TestSessionsOfOneKey(t *testing.T) {
	inLimits(t, &Limits{MaxSessions: 10}, func(t *testing.T, l *limited) {
		var greedy []*Session
		for range 10 {
			client, _ := l.mustDial(1)
			greedy = append(greedy, client)
		}
		for range 50 {
			client, server, err := l.dial(1)
			if server != nil || !errors.Is(err, errTooManySessions) {
				t.Fatalf("the next session: %v, %v", server, err)
			}
			if _, err := client.Accept(); err == nil {
				t.Error("who is refused has a session")
			}
		}
		refused, _, _ := l.dial(1)
		if _, err := refused.Accept(); !errors.Is(err, mqtte2e.ErrRefused) {
			t.Errorf("who is refused hears %v", err)
		}
		client, server := l.mustDial(2)
		near, far := open(t, client, server)
		mustWrite(t, near, []byte("x"))
		wantRead(t, far, []byte("x"))

		for _, session := range greedy[:2] { // one for what the other key has taken
			session.Close()
		}
		time.Sleep(2 * sessionFlush)
		l.mustDial(1)
	})
}

// TestDialerHearsThatThereIsNoRoom dials a listener that has as many sessions as it
// takes.
func TestDialerHearsThatThereIsNoRoom(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		inner := newPipeListener()
		l := (&Limits{MaxSessions: 1}).NewListener(inner)
		first := inner.dial(t)
		dials := 0
		d := &Dialer{connect: func(context.Context, string) (net.Conn, error) {
			c, s := simtest.Pipe()
			inner.next <- s
			dials++
			return c, nil
		}}
		if _, err := d.DialContext(t.Context(), "tcp", "pipe"); !errors.Is(err, mqtte2e.ErrRefused) || dials != 1 {
			t.Errorf("after %d dials: %v", dials, err)
		}
		d.Close()
		first.Close()
		l.Close()
	})
}

// TestStreamsOfOneKey has one holder of a key open streams in several sessions, of
// which nobody reads or accepts any, until there are no more for it, and send into
// each what it may.
func TestStreamsOfOneKey(t *testing.T) {
	inLimits(t, &Limits{MaxStreams: 300}, func(t *testing.T, l *limited) {
		var opened int
		var servers []*Session
		zeros := make([]byte, initialWindow+1)
		for range 4 {
			client, server := l.mustDial(1)
			servers = append(servers, server)
			for range 200 {
				st := mustOpen(t, client)
				st.SetWriteDeadline(time.Now().Add(time.Second))
				if _, err := st.Write(zeros); !errors.Is(err, syscall.ECONNRESET) {
					opened++
				}
			}
		}
		// Each session leaves as much as it takes.
		if want := 150 + 75 + 37 + 19; opened != want {
			t.Errorf("%d streams are opened of 800, want %d", opened, want)
		}
		if held := buffered(servers); held > uint64(opened)*initialWindow {
			t.Errorf("%d bytes are held", held)
		}
		// Another session under the key, and one under another.
		for key := byte(1); key <= 2; key++ {
			client, server := l.mustDial(key)
			near, far := open(t, client, server)
			mustWrite(t, near, noise(1000))
			wantRead(t, far, noise(1000))
			near.Close()
			far.Close()
		}
		for _, server := range servers {
			server.Close()
		}
		simtest.Wait()
		if len(l.streams.taken) != 0 {
			t.Errorf("of the streams are still taken: %v", l.streams.taken)
		}
	})
}

// buffered returns how many bytes of their streams sessions hold that nobody read.
func buffered(sessions []*Session) (total uint64) {
	for _, s := range sessions {
		s.frames.mu.Lock()
		for _, st := range s.frames.streams {
			total += st.flow.received - st.flow.read
		}
		s.frames.mu.Unlock()
	}
	return total
}

// TestOwnStreamsCount has the side that is limited open streams.
func TestOwnStreamsCount(t *testing.T) {
	inLimits(t, &Limits{MaxStreams: 4}, func(t *testing.T, l *limited) {
		client, server := l.mustDial(1)
		open(t, server, client)
		near, far := open(t, client, server)
		if _, err := server.Open(t.Context()); !errors.Is(err, errTooManyStreams) {
			t.Errorf("one stream too many: %v", err)
		}
		near.Close()
		far.Close()
		simtest.Wait()
		open(t, server, client)
	})
}

// TestWindowsShareOneBudget reads as fast as it can from many sessions under one
// key, and then from one under another.
func TestWindowsShareOneBudget(t *testing.T) {
	inLimits(t, new(Limits), func(t *testing.T, l *limited) {
		zeros := make([]byte, 12<<20)
		grow := func(key byte, streams int) {
			client, server := l.mustDial(key)
			for range streams {
				near, far := open(t, client, server)
				go near.Write(zeros)
				io.CopyN(io.Discard, far, int64(len(zeros)))
			}
		}
		for range 4 {
			grow(1, 3)
		}
		if got := l.windows.taken[mqtte2e.Key{1}]; got > windowBudget || got < windowBudget-maxWindow {
			t.Errorf("the windows of one key have %d", got)
		}
		grow(2, 1)
		if got := l.windows.taken[mqtte2e.Key{2}]; got < maxWindow/2 {
			t.Errorf("the window of another has %d", got)
		}
	})
}

// TestIdleSessionsEnd has a session that is in use, and then is not.
func TestIdleSessionsEnd(t *testing.T) {
	inLimits(t, &Limits{IdleTimeout: time.Minute}, func(t *testing.T, l *limited) {
		client, server := l.mustDial(1)
		time.Sleep(59 * time.Second)
		near, far := open(t, client, server)
		time.Sleep(time.Hour)
		near.Close()
		far.Close()
		time.Sleep(59 * time.Second)
		if closed(server.Done()) {
			t.Fatal("the session ended before its time")
		}
		time.Sleep(time.Second + 2*sessionFlush)
		if !closed(server.Done()) || !closed(client.Done()) {
			t.Fatal("the session did not end")
		}
		l.wantFree()
	})
}

// TestDialerOutlivesIdleSessions opens streams just when sessions end for want of
// one.
func TestDialerOutlivesIdleSessions(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		limits := &Limits{IdleTimeout: time.Minute}
		inner := newPipeListener()
		l := limits.NewListener(inner)
		go func() {
			for {
				st, err := l.Accept()
				if err != nil {
					return
				}
				st.Close()
			}
		}()
		const delay = 50 * time.Millisecond
		d := &Dialer{connect: func(context.Context, string) (net.Conn, error) {
			c, s := simtest.Pipe()
			inner.next <- newFarConn(s, delay)
			return newFarConn(c, delay), nil
		}}
		for late := -3 * delay; late < 3*delay; late += delay / 5 {
			st, err := d.DialContext(t.Context(), "tcp", "pipe")
			if err != nil {
				t.Fatalf("%v after the end of the session: %v", late, err)
			}
			st.Close()
			time.Sleep(time.Minute + late)
		}
		d.Close()
		l.Close()
	})
}

// TestOpenCrossesGoAway opens a stream while the peer's word is under way that it
// takes no more: another session will do.
func TestOpenCrossesGoAway(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, s := simtest.Pipe()
		client, server := newSessions(t, newFarConn(c, time.Second), newFarConn(s, time.Second))
		open(t, client, server)
		server.shutdown()
		if _, err := client.openAnswered(t.Context()); !errors.Is(err, errNotAccepting) {
			t.Errorf("the stream: %v", err)
		}
		client.Close()
		server.Close()
	})
}

// TestPlainConnsCount mixes Conns that carry sessions with others.
func TestPlainConnsCount(t *testing.T) {
	inLimits(t, &Limits{MaxSessions: 2, MaxStreams: 1}, func(t *testing.T, l *limited) {
		conn, _ := simtest.Pipe()
		plain := keyed{conn, mqtte2e.Key{1}}
		release, err := l.Plain(plain)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Plain(plain); !errors.Is(err, errTooManyStreams) {
			t.Errorf("a second stream: %v", err)
		}
		client, _ := l.mustDial(1)
		if _, err := l.Plain(plain); !errors.Is(err, errTooManySessions) {
			t.Errorf("a third session: %v", err)
		}
		release()
		if _, err := client.openAnswered(t.Context()); err != nil {
			t.Errorf("after the Conn has ended: %v", err)
		}
	})
}
