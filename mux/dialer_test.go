package mux

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// names is what a Dialer under test dials: listeners by name.
type names struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
	dials     int           // how often a session was dialled
	delay     time.Duration // of each dial
}

// dialer returns a Dialer that dials n.
func (n *names) dialer() *Dialer { return &Dialer{connect: n.connect} }

func (n *names) listen(name string) *Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = make(map[string]*pipeListener)
	}
	n.listeners[name] = newPipeListener()
	return NewListener(n.listeners[name])
}

func (n *names) connect(ctx context.Context, name string) (net.Conn, error) {
	n.mu.Lock()
	n.dials++
	l := n.listeners[name]
	n.mu.Unlock()
	select {
	case <-time.After(n.delay):
	case <-ctx.Done():
		return nil, errors.Join(mqtte2e.ErrBroker, ctx.Err())
	}
	if l == nil {
		return nil, mqtte2e.ErrNoAnswer
	}
	c, s := simtest.Pipe()
	select {
	case l.next <- s:
		return c, nil
	case <-ctx.Done():
		return nil, errors.Join(mqtte2e.ErrNoAnswer, ctx.Err())
	}
}

// wantEcho opens a stream and checks that it is echoed.
func wantEcho(t *testing.T, d *Dialer, address string) {
	t.Helper()
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, conn, []byte("hello"))
	wantRead(t, conn, []byte("hello"))
	conn.Close()
}

func TestDialerSharesSessions(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{delay: time.Second}
		a, b := n.listen("a"), n.listen("b")
		go simtest.Echo(a)
		go simtest.Echo(b)
		d := n.dialer()
		var all sync.WaitGroup
		for _, address := range []string{"a:80", "A", "a:443", "b", "b:0", "B:1"} {
			all.Go(func() { wantEcho(t, d, address) })
		}
		all.Wait()
		wantEcho(t, d, "a")
		if n.dials != 2 {
			t.Errorf("%d dials for 2 names", n.dials)
		}
		d.Close()
		a.Close()
		b.Close()
	})
}

func TestDialerReplacesEndedSessions(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{}
		d := n.dialer()
		for restart := range 3 {
			l := n.listen("a")
			go simtest.Echo(l)
			wantEcho(t, d, "a")
			wantEcho(t, d, "a")
			if n.dials != restart+1 {
				t.Errorf("%d dials after %d restarts", n.dials, restart)
			}
			l.Close()
			simtest.Wait()
		}
		d.Close()
	})
}

// TestDialerGoesOnWithANewSession lets a session end while a stream waits for
// the listener's answer on it.
func TestDialerGoesOnWithANewSession(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{}
		d := n.dialer()
		dead := newPipeListener()
		n.listeners = map[string]*pipeListener{"a": dead}
		go func() {
			conn := (<-dead.next).(net.Conn) // a process that says nothing any more
			l := n.listen("a")
			go simtest.Echo(l)
			time.Sleep(9 * time.Second)
			conn.Close()
			t.Cleanup(func() { l.Close() })
		}()
		start := time.Now()
		wantEcho(t, d, "a")
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("the dial took %v", took)
		}
		if n.dials != 2 {
			t.Errorf("%d dials, want 2", n.dials)
		}
		d.Close()
	})
}

// TestDialerReplacesASessionThatTakesNoMore closes a listener that still has a
// stream.
func TestDialerReplacesASessionThatTakesNoMore(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{}
		d := n.dialer()
		old := n.listen("a")
		near, err := d.DialContext(t.Context(), "tcp", "a")
		if err != nil {
			t.Fatal(err)
		}
		far := mustAccept(t, old)
		old.Close()
		simtest.Wait()
		l := n.listen("a")
		go simtest.Echo(l)
		wantEcho(t, d, "a")
		mustWrite(t, near, []byte("still here"))
		wantRead(t, far, []byte("still here"))
		near.Close()
		far.Close()
		d.Close()
		l.Close()
	})
}

// TestDialerContext lets DialContexts with different deadlines share a dial.
func TestDialerContext(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{delay: 10 * time.Second}
		l := n.listen("a")
		go simtest.Echo(l)
		d := n.dialer()
		start := time.Now()
		dial := func(limit time.Duration) (took time.Duration, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			conn, err := d.DialContext(ctx, "tcp", "a")
			if err == nil {
				conn.Close()
			}
			return time.Since(start), err
		}
		var all sync.WaitGroup
		all.Go(func() {
			took, err := dial(2 * time.Second)
			if took != 2*time.Second || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, mqtte2e.ErrNoAnswer) && !errors.Is(err, mqtte2e.ErrBroker) {
				t.Errorf("the first DialContext: %v, %v", took, err)
			}
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%v is no timeout", err)
			}
		})
		simtest.Wait()
		all.Go(func() {
			// The dial that it shares ends with the first one's deadline.
			if took, err := dial(time.Minute); took != 12*time.Second || err != nil {
				t.Errorf("the second DialContext: %v, %v", took, err)
			}
		})
		all.Wait()
		if n.dials != 2 {
			t.Errorf("%d dials, want 2", n.dials)
		}
		d.Close()
		l.Close()
	})
}

func TestDialerCancelsADialThatNobodyWaitsFor(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{delay: time.Hour}
		d := n.dialer()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		_, err := d.DialContext(ctx, "tcp", "a")
		if !errors.Is(err, context.Canceled) || !errors.Is(err, mqtte2e.ErrBroker) {
			t.Errorf("DialContext: %v", err)
		}
		simtest.Wait()
		if p := d.peers["a"]; p.session != nil || len(p.turn) != 0 {
			t.Errorf("left are a session: %t, %d dials", p.session != nil, len(p.turn))
		}
		d.Close()
	})
}

func TestDialerClose(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		n := &names{}
		l := n.listen("a")
		go simtest.Echo(l)
		d := n.dialer()
		open, err := d.DialContext(t.Context(), "tcp", "a")
		if err != nil {
			t.Fatal(err)
		}
		n.delay = time.Hour
		dialling := make(chan error)
		go func() {
			_, err := d.DialContext(t.Context(), "tcp", "b")
			dialling <- err
		}()
		simtest.Wait()
		for range 2 {
			if err := d.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if err := <-dialling; err == nil {
			t.Error("a dial outlives Close")
		}
		if _, err := open.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("an open stream reads %v", err)
		}
		if _, err := d.DialContext(t.Context(), "tcp", "a"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("DialContext after Close: %v", err)
		}
		open.Close()
		l.Close()
	})
}
