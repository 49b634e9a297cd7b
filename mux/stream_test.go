package mux

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

func TestHalfCloseLastsForHours(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		mustWrite(t, near, []byte("get"))
		closeWrite(t, near)
		closeWrite(t, near)
		if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after CloseWrite: %v", err)
		}
		wantRead(t, far, []byte("get"))
		wantEOF(t, far)
		for range 12 {
			time.Sleep(time.Hour)
			mustWrite(t, far, noise(maxFrame+1))
			wantRead(t, near, noise(maxFrame+1))
		}
		far.Close()
		wantEOF(t, near)
		near.Close()
		wantGone(t, client, server)
	})
}

func TestCloseDeliversToASlowReader(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		mustWrite(t, near, noise(initialWindow))
		near.Close()
		time.Sleep(50 * time.Minute)
		wantRead(t, far, noise(initialWindow))
		wantEOF(t, far)
		far.Close()
		wantGone(t, client, server)
	})
}

func TestCloseWithUnreadData(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		mustWrite(t, near, noise(initialWindow/2))
		mustWrite(t, far, []byte("bye"))
		far.Close()
		wantRead(t, near, []byte("bye"))
		wantEOF(t, near)
		near.Close()
		wantGone(t, client, server)
	})
}

// TestWriterIsStopped closes a stream whose peer goes on writing: as fast as it
// can, or now and then.
func TestWriterIsStopped(t *testing.T) {
	for name, pause := range map[string]time.Duration{"fast": 0, "slow": time.Second} {
		t.Run(name, func(t *testing.T) {
			inPipe(t, func(t *testing.T, client, server *Session) {
				near, far := open(t, client, server)
				mustWrite(t, near, noise(maxFrame))
				far.Close()
				start := time.Now()
				written := 0
				for {
					n, err := near.Write(noise(maxFrame))
					if written += n; err != nil {
						if !errors.Is(err, syscall.ECONNRESET) {
							t.Errorf("Write: %v", err)
						}
						break
					}
					time.Sleep(pause)
				}
				if written > 2*maxWindow || time.Since(start) > grace+3*pause {
					t.Errorf("the peer wrote %d bytes in %v after Close", written, time.Since(start))
				}
				near.Close()
				wantGone(t, client, server)
			})
		})
	}
}

func TestCloseGivesUpAPeerThatDoesNotClose(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		near.Close()
		wantEOF(t, far)
		time.Sleep(closeTimeout + time.Second)
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Write: %v", err)
		}
		far.Close()
		wantGone(t, client, server)
	})
}

func TestSlowStreamDoesNotStopOthers(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		stuck, unread := open(t, client, server)
		stuck.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := stuck.Write(noise(2 * initialWindow)); !errors.Is(err, os.ErrDeadlineExceeded) || n < initialWindow {
			t.Fatalf("a stream that nobody reads takes %d bytes, %v", n, err)
		}
		near, far := open(t, client, server)
		for range 10 {
			go near.Write(noise(maxWindow))
			wantRead(t, far, noise(maxWindow))
			mustWrite(t, far, []byte("pong"))
			wantRead(t, near, []byte("pong"))
		}
		for _, conn := range []net.Conn{stuck, unread, near, far} {
			conn.Close()
		}
		wantGone(t, client, server)
	})
}

// TestCallsReturnWhileTheConnStalls writes to a connection that nobody reads.
func TestCallsReturnWhileTheConnStalls(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, other := simtest.Pipe()
		client, err := Client(c)
		if err != nil {
			t.Fatal(err)
		}
		near, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		near.SetDeadline(time.Now().Add(time.Second))
		if n, err := near.Write(noise(4 * initialWindow)); err != os.ErrDeadlineExceeded || n == 0 {
			t.Errorf("Write = %d, %v", n, err)
		}
		if _, err := near.Read(make([]byte, 1)); err != os.ErrDeadlineExceeded {
			t.Errorf("Read: %v", err)
		}
		near.SetDeadline(time.Time{})
		result := make(chan error)
		go func() {
			_, err := near.Write(noise(4 * initialWindow))
			result <- err
		}()
		simtest.Wait()
		near.Close()
		if err := <-result; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write when closed: %v", err)
		}
		other.Close()
		client.Close()
	})
}

// TestManyStreamsOverAStalledConn has more to send than all buffers take.
func TestManyStreamsOverAStalledConn(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, other := simtest.Pipe()
		client, err := Client(c)
		if err != nil {
			t.Fatal(err)
		}
		start, large := time.Now(), noise(initialWindow)
		var streams [200]net.Conn
		var writing sync.WaitGroup
		for i := range streams {
			if streams[i], err = client.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			streams[i].SetWriteDeadline(start.Add(time.Second))
			writing.Go(func() {
				for range 2 {
					if _, err := streams[i].Write(large); err != os.ErrDeadlineExceeded || time.Since(start) != time.Second {
						t.Errorf("stream %d: %v after %v", i, err, time.Since(start))
					}
				}
			})
		}
		writing.Wait()
		client.frames.mu.Lock()
		if waiting := len(client.frames.out); waiting < outSoft || waiting > outSoft+len(streams)*(maxFrame+2*headerSize) {
			t.Errorf("%d bytes wait for the Conn", waiting)
		}
		client.frames.mu.Unlock()
		for _, st := range streams {
			st.Close()
		}
		if time.Since(start) != time.Second {
			t.Error("Close waits for the Conn")
		}
		other.Close()
		client.Close()
	})
}

// TestReadReturnsWhileAFrameIsIncomplete holds back the rest of a frame.
func TestReadReturnsWhileAFrameIsIncomplete(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, other := simtest.Pipe()
		server, err := Server(c)
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, other)
		other.Write([]byte{0, typeWindowUpdate, 0, flagSYN, 0, 0, 0, 1, 0, 0, 0, 0})
		far, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		other.Write([]byte{0, typeData, 0, 0, 0, 0, 0, 1, 0, 0, 0, 100, 'x'})
		far.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := far.Read(make([]byte, 1)); err != os.ErrDeadlineExceeded {
			t.Errorf("Read: %v", err)
		}
		far.SetReadDeadline(time.Time{})
		other.Write(make([]byte, 99))
		wantRead(t, far, append([]byte("x"), make([]byte, 99)...))
		other.Close()
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Read after the end of the session: %v", err)
		}
		far.Close()
		server.Close()
	})
}

func TestReset(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		mustWrite(t, near, []byte("x"))
		if err := near.(interface{ Reset() error }).Reset(); err != nil {
			t.Error(err)
		}
		simtest.Wait()
		_, readErr := io.Copy(io.Discard, far)
		_, writeErr := far.Write([]byte("x"))
		for _, err := range []error{readErr, writeErr} {
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("after the peer's Reset: %v", err)
			}
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Reset: %v", err)
		}
		far.Close()
		wantGone(t, client, server)
	})
}

func TestErrorsAfterClose(t *testing.T) {
	inPipe(t, func(t *testing.T, client, server *Session) {
		near, far := open(t, client, server)
		mustWrite(t, far, []byte("unread"))
		near.Close()
		if err := near.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		_, readErr := near.Read(make([]byte, 1))
		_, writeErr := near.Write([]byte("x"))
		for _, err := range []error{readErr, writeErr, near.(closeWriter).CloseWrite()} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
		far.Close()
	})
}

func TestAddresses(t *testing.T) {
	client, server := tcpSessions(t)
	near, far := open(t, client, server)
	if near.LocalAddr() != client.conn.LocalAddr() || near.RemoteAddr() != client.conn.RemoteAddr() {
		t.Errorf("a stream's addresses are %v and %v", near.LocalAddr(), near.RemoteAddr())
	}
	if server.Addr().String() != near.RemoteAddr().String() {
		t.Errorf("the session's address is %v", server.Addr())
	}
	near.Close()
	far.Close()
}

// TestDeadlineMoves moves the deadlines of a Read and of Writes that wait: for the
// peer to read, and for the Conn.
func TestDeadlineMoves(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		c, s := simtest.Pipe()
		client, server := newSessions(t, c, s)
		near, far := open(t, client, server)
		stalled, other := simtest.Pipe()
		lonely, err := Client(stalled)
		if err != nil {
			t.Fatal(err)
		}
		mute, err := lonely.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []func() error{
			func() error { _, err := near.Read(make([]byte, 1)); return err },
			func() error { _, err := near.Write(noise(2 * initialWindow)); return err },
			func() error { _, err := mute.Write(noise(4 * initialWindow)); return err },
		} {
			start := time.Now()
			for _, conn := range []net.Conn{near, mute} {
				conn.SetDeadline(start.Add(time.Minute))
			}
			time.AfterFunc(time.Second, func() {
				near.SetDeadline(start.Add(time.Hour))
				mute.SetDeadline(start.Add(time.Hour))
			})
			if err := call(); err != os.ErrDeadlineExceeded || time.Since(start) != time.Hour {
				t.Errorf("with a deadline that was moved to an hour: %v after %v", err, time.Since(start))
			}
			if err := call(); err != os.ErrDeadlineExceeded || time.Since(start) != time.Hour {
				t.Errorf("with a deadline that has passed: %v after %v", err, time.Since(start))
			}
		}
		for _, closer := range []io.Closer{near, far, mute, client, server, lonely, other} {
			closer.Close()
		}
	})
}
