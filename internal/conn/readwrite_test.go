package conn

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// TestBytesArrive both ways at once, though one packet in ten is lost.
func TestBytesArrive(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		a, b := connected(t)
		for _, e := range []*end{a, b} {
			loss := rand.New(rand.NewPCG(random.Uint64(), 0))
			e.set(func([]byte) bool { return loss.IntN(10) > 0 })
		}
		data := make([]byte, 1<<20)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		for _, e := range []*end{a, b} {
			go func() {
				e.Write(data)
				e.CloseWrite()
			}()
		}
		for _, e := range []*end{a, b} {
			if got, err := e.readAll(); got != string(data) || err != nil {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		}
		if stats := a.Stats(); stats.BytesSent != 1<<20 || stats.BytesReceived != 1<<20 || stats.Retransmitted == 0 || stats.RTT == 0 || stats.Rejected != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// TestHalfOpenConnIsSilent until the dialer has proved itself.
func TestHalfOpenConnIsSilent(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := pair(t)
		b.Start(time.Now())
		b.write(t, "greeting")
		time.Sleep(5 * time.Second)
		if n := b.packets(); n != 0 {
			t.Errorf("%d packets", n)
		}
		b.wantDid(t)
		a.Start(time.Now())
		b.wantDid(t, "proved")
		took(t, 0, func() { a.read(t, "greeting") })
	})
}

// TestReadAndWriteFail as package net has it.
func TestReadAndWriteFail(t *testing.T) {
	for name, test := range map[string]struct {
		before      func(a, b *end)
		read, write error
	}{
		"closed":                        {func(a, _ *end) { a.Close() }, net.ErrClosed, net.ErrClosed},
		"closed with a deadline":        {func(a, _ *end) { a.SetReadDeadline(time.Now()); a.SetWriteDeadline(time.Now()); a.Close() }, net.ErrClosed, net.ErrClosed},
		"past the deadline":             {func(a, _ *end) { a.SetReadDeadline(time.Now()); a.SetWriteDeadline(time.Now()) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		"the end of the peer's":         {func(_, b *end) { b.CloseWrite() }, io.EOF, nil},
		"the end of its own":            {func(a, b *end) { b.write(t, "x"); a.CloseWrite() }, nil, net.ErrClosed},
		"the peer closed":               {func(_, b *end) { b.Close() }, io.EOF, syscall.EPIPE},
		"the peer closed, so does this": {func(a, b *end) { b.Close(); a.CloseWrite() }, io.EOF, syscall.EPIPE},
		"the peer gave it up":           {func(_, b *end) { b.Abort() }, syscall.ECONNRESET, syscall.ECONNRESET},
		"given up":                      {func(a, _ *end) { a.Abort() }, net.ErrClosed, net.ErrClosed},
		"refused":                       {func(a, _ *end) { a.Refuse() }, net.ErrClosed, net.ErrClosed},
		"discarded":                     {func(a, _ *end) { a.Discard() }, net.ErrClosed, net.ErrClosed},
		"gone":                          {func(a, _ *end) { a.Gone(time.Now()) }, ErrPeerGone, ErrPeerGone},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				a, b := connected(t)
				test.before(a, b)
				simtest.Wait()
				if _, err := a.Read(make([]byte, 1)); !errors.Is(err, test.read) {
					t.Errorf("Read: %v, want %v", err, test.read)
				}
				if _, err := a.Write(make([]byte, 1)); !errors.Is(err, test.write) {
					t.Errorf("Write: %v, want %v", err, test.write)
				}
				if _, err := a.Read(nil); (err == nil) != (test.read != net.ErrClosed && test.read != os.ErrDeadlineExceeded) {
					t.Errorf("Read of nothing: %v", err)
				}
				if closed := test.read == net.ErrClosed; errors.Is(a.SetReadDeadline(time.Time{}), net.ErrClosed) != closed ||
					errors.Is(a.SetWriteDeadline(time.Time{}), net.ErrClosed) != closed {
					t.Errorf("SetDeadline of a Conn that is closed: %v", closed)
				}
			})
		})
	}
}

// TestCloseWriteFails where Write would.
func TestCloseWriteFails(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		b.Abort()
		simtest.Wait()
		if err := a.CloseWrite(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after the peer's reset: %v", err)
		}
		a.Close()
		if err := a.CloseWrite(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// TestBlockedCallsWake at once when something happens to the Conn.
func TestBlockedCallsWake(t *testing.T) {
	for name, test := range map[string]struct {
		happen      func(a, b *end)
		read, write error
	}{
		"Close":         {func(a, _ *end) { a.BeginClose() }, net.ErrClosed, net.ErrClosed},
		"Abort":         {func(a, _ *end) { a.Abort() }, net.ErrClosed, net.ErrClosed},
		"Discard":       {func(a, _ *end) { a.Discard() }, net.ErrClosed, net.ErrClosed},
		"deadlines":     {func(a, _ *end) { a.SetReadDeadline(time.Now()); a.SetWriteDeadline(time.Now()) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		"peer's Abort":  {func(_, b *end) { b.Abort() }, syscall.ECONNRESET, syscall.ECONNRESET},
		"peer's Close":  {func(_, b *end) { b.BeginClose() }, io.EOF, syscall.EPIPE},
		"peer's answer": {func(_, b *end) { b.Write([]byte("x")); go b.readAll() }, nil, nil},
		"Gone":          {func(a, _ *end) { a.Gone(time.Now()) }, ErrPeerGone, ErrPeerGone},
	} {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, func(t *testing.T) {
				a, b := connected(t)
				read, write := make(chan error, 1), make(chan error, 1)
				go func() { _, err := a.Read(make([]byte, 1)); read <- err }()
				go func() { _, err := a.Write(make([]byte, 4<<20)); write <- err }()
				time.Sleep(7 * time.Second)
				if len(read)+len(write) > 0 {
					t.Fatal("a call did not block")
				}
				took(t, 0, func() {
					test.happen(a, b)
					if err := <-read; !errors.Is(err, test.read) {
						t.Errorf("Read: %v, want %v", err, test.read)
					}
				})
				if err := <-write; !errors.Is(err, test.write) {
					t.Errorf("Write: %v, want %v", err, test.write)
				}
			})
		})
	}
}

// TestDeadlines that are in the future, that are moved, and that are taken away.
func TestDeadlines(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		a, b := connected(t)
		failsAfter := func(want time.Duration) {
			t.Helper()
			took(t, want, func() {
				if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Read: %v", err)
				}
			})
		}
		a.SetReadDeadline(time.Now().Add(3 * time.Second))
		failsAfter(3 * time.Second)
		failsAfter(0)
		a.SetReadDeadline(time.Now().Add(time.Second))
		time.AfterFunc(500*time.Millisecond, func() { a.SetReadDeadline(time.Now().Add(4 * time.Second)) })
		failsAfter(4500 * time.Millisecond)
		a.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Minute, func() { b.Write([]byte("late")) })
		took(t, time.Minute, func() { a.read(t, "late") })

		a.SetWriteDeadline(time.Now().Add(3 * time.Second))
		took(t, 3*time.Second, func() {
			if n, err := a.Write(make([]byte, 4<<20)); n == 0 || n == 4<<20 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Write: %d, %v", n, err)
			}
		})
	})
}

// TestWritesAreNotTornApart has several goroutines write at once what takes time.
func TestWritesAreNotTornApart(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		const size, writers = 300 << 10, 5
		a, b := connected(t)
		for i := range writers {
			go a.Write(bytes.Repeat([]byte{byte(i)}, size))
		}
		got := make([]byte, size)
		for range writers {
			if _, err := io.ReadFull(b, got); err != nil || bytes.Count(got, got[:1]) != size {
				t.Errorf("torn apart, or %v", err)
			}
		}
	})
}
