package conn

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// What SPEC.md promises.
const (
	maxLinger    = 30 * time.Second
	timeWaitLife = 10 * time.Second
)

// TestClose of both ends leaves TIME-WAIT, and then nothing.
func TestClose(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		a.write(t, "last words")
		took(t, 0, func() { a.Close() })
		a.wantDid(t, "time-wait")
		a.Close()
		took(t, 0, func() { a.WaitDone(time.Now().Add(time.Minute)) })
		if got, err := b.readAll(); got != "last words" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		b.wantDid(t)
		b.Close()
		b.wantDid(t, "time-wait")
		took(t, 0, func() { b.WaitDone(time.Now().Add(time.Minute)) })
		time.Sleep(timeWaitLife - time.Nanosecond)
		b.wantDid(t)
		a.wantDid(t)
		time.Sleep(time.Nanosecond)
		b.wantDid(t, "forget")
		a.wantDid(t, "forget")
	})
}

// TestCloseWaits for as long as something moves.
func TestCloseWaits(t *testing.T) {
	for name, test := range map[string]struct {
		before func(a, b *end)
		want   time.Duration
	}{
		"nothing was written":        {func(a, _ *end) { a.set(nothing) }, 0},
		"it is acknowledged at once": {func(a, _ *end) { a.Write([]byte("heard")) }, 0},
		"nobody answers":             {func(a, _ *end) { a.set(nothing); a.Write([]byte("not heard")) }, stallWait},
		"it was written long ago":    {func(a, _ *end) { a.set(nothing); a.Write([]byte("not heard")); time.Sleep(stallWait) }, 0},
		"it was written just now":    {func(a, _ *end) { a.set(nothing); a.Write([]byte("not heard")); time.Sleep(stallWait - 1) }, 1},
		"the answer comes late": {func(a, _ *end) {
			a.set(nothing)
			a.Write([]byte("heard"))
			time.AfterFunc(150*time.Millisecond, func() { a.set(nil) })
		}, 300 * time.Millisecond},
		"it moves, but slowly": {func(a, b *end) {
			var last time.Time
			passed := 0
			a.set(func([]byte) bool {
				if time.Since(last) >= 300*time.Millisecond {
					last, passed = time.Now(), 0
				}
				passed++
				return passed <= 3
			})
			go b.readAll()
			a.up(0, 1<<10)
			a.SetWriteDeadline(time.Now().Add(time.Millisecond))
			a.Write(make([]byte, 1<<20))
		}, flushWait},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				a, b := connected(t)
				exchange(t, a, b)
				time.Sleep(time.Second)
				test.before(a, b)
				took(t, test.want, func() { a.Close() })
				b.Abort()
			})
		})
	}
}

// TestLingerEnds with a reset, of which the peer hears, and later than which nothing
// is done.
func TestLingerEnds(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		go a.Write(make([]byte, 1<<20))
		simtest.Wait()
		start := time.Now()
		a.BeginClose()
		a.WaitDone(start.Add(10 * time.Second))
		if passed := time.Since(start); passed != 10*time.Second {
			t.Errorf("done after %v", passed)
		}
		a.WaitDone(start.Add(time.Minute))
		if passed := time.Since(start); passed != maxLinger {
			t.Errorf("done after %v", passed)
		}
		a.wantDid(t, "time-wait")
		if got, err := b.readAll(); len(got) < 64<<10 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		b.wantDid(t, "time-wait")
		time.Sleep(timeWaitLife)
		a.wantDid(t, "forget")
		b.wantDid(t, "forget")
	})
}

// TestTimeWaitRepeatsTheACK that got lost.
func TestTimeWaitRepeatsTheACK(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		exchange(t, a, b)
		a.CloseWrite()
		simtest.Wait()
		b.set(nothing)
		b.CloseWrite()
		b.BeginClose()
		b.wantDid(t)
		a.set(nothing) // what b hears last is that its FIN is acknowledged
		b.set(nil)
		time.Sleep(time.Second)
		a.Close()
		a.wantDid(t, "time-wait")
		b.wantDid(t)
		a.set(nil)
		time.Sleep(time.Second)
		b.wantDid(t, "time-wait")
	})
}

// TestAbort tells the peer, which has read what had arrived.
func TestAbort(t *testing.T) {
	for name, abort := range map[string]func(e *end){"Abort": (*end).abortIt, "Refuse": func(e *end) { e.Refuse() }} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				a, b := connected(t)
				a.write(t, "last words")
				simtest.Wait()
				abort(a)
				a.wantDid(t, "time-wait")
				took(t, 0, func() { a.WaitDone(time.Now().Add(time.Minute)) })
				if got, err := b.readAll(); got != "last words" || !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("read %q, %v", got, err)
				}
				b.wantDid(t, "time-wait")
				if b.Close(); b.SilentSince() != (time.Time{}) {
					t.Error("a Conn that is closed is silent")
				}
				abort(a)
				time.Sleep(timeWaitLife)
				a.wantDid(t, "forget")
			})
		})
	}
}

func (e *end) abortIt() { e.Abort() }

// TestShutdown returns once the peer has everything, and ends the Conn in any case.
func TestShutdown(t *testing.T) {
	soon := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 3*time.Second)
	}
	for name, test := range map[string]struct {
		before func(a, b *end)
		want   error
		takes  time.Duration
	}{
		"everything arrives":   {func(a, _ *end) { a.Write(make([]byte, 20<<10)) }, nil, 0},
		"it arrives later":     {func(a, _ *end) { a.set(nothing); time.AfterFunc(150*time.Millisecond, func() { a.set(nil) }) }, nil, 300 * time.Millisecond},
		"nothing arrives":      {func(a, _ *end) { a.set(nothing) }, context.DeadlineExceeded, 3 * time.Second},
		"the peer gives it up": {func(a, b *end) { time.AfterFunc(time.Second, b.Abort); a.set(nothing) }, syscall.ECONNRESET, time.Second},
		"the peer reads no more": {func(a, b *end) {
			a.set(nothing)
			a.Write([]byte("unwanted"))
			b.BeginClose()
		}, syscall.EPIPE, 0},
		"it is closed meanwhile": {func(a, _ *end) { a.set(nothing); time.AfterFunc(time.Second, func() { a.BeginClose() }) }, net.ErrClosed, time.Second},
		"it was closed":          {func(a, _ *end) { a.Close() }, net.ErrClosed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				a, b := connected(t)
				exchange(t, a, b)
				time.Sleep(time.Second)
				test.before(a, b)
				ctx, cancel := soon()
				defer cancel()
				took(t, test.takes, func() {
					if err := a.Shutdown(ctx); !errors.Is(err, test.want) {
						t.Errorf("Shutdown: %v, want %v", err, test.want)
					}
				})
				if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Read after Shutdown: %v", err)
				}
			})
		})
	}
}

// TestExpireLeavesTimeWait, and nothing else.
func TestExpireLeavesTimeWait(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		a.Expire()
		exchange(t, a, b)
		b.write(t, "last words")
		simtest.Wait()
		b.Abort()
		simtest.Wait()
		a.Expire()
		a.wantDid(t, "time-wait", "forget")
		if got, err := a.readAll(); got != "last words" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// TestNothingHappensAfterTheEnd of a Conn, to which packets may still come.
func TestNothingHappensAfterTheEnd(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		exchange(t, a, b)
		b.write(t, "unread")
		simtest.Wait()
		a.Discard()
		a.wantDid(t, "forget")
		packets, stats := a.packets(), statsOf(a)
		b.write(t, strings.Repeat("late", 5000))
		now := time.Now()
		a.Discard()
		a.Expire()
		a.down(0)
		a.up(0, maxPacket)
		a.Resume(now)
		a.Answer(now)
		a.Gone(now)
		if a.Doubt(true, now) {
			t.Error("a Conn that is over asks")
		}
		if n := a.Fill(0, make([]byte, 2*maxPacket), now); n != 0 {
			t.Errorf("it sends %d bytes", n)
		}
		time.Sleep(time.Hour)
		a.wantDid(t)
		if a.packets() != packets || statsOf(a) != stats {
			t.Errorf("%+v, %d packets", statsOf(a), a.packets()-packets)
		}
	})
}

// TestDrainingIsThreeProbeTimeouts of a path whose round trip takes no time.
func TestDrainingIsThreeProbeTimeouts(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		exchange(t, a, b)
		if got := a.Draining(); got != 300*time.Millisecond {
			t.Errorf("%v", got)
		}
	})
}
