package mux

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// inPipe runs f in virtual time with two sessions over a connection in memory,
// and closes them.
func inPipe(t *testing.T, f func(t *testing.T, client, server *Session)) {
	t.Helper()
	simtest.Run(t, func(t *testing.T) {
		c, s := simtest.Pipe()
		client, server := newSessions(t, c, s)
		f(t, client, server)
		client.Close()
		server.Close()
	})
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func mustWrite(t *testing.T, w io.Writer, b []byte) {
	t.Helper()
	if n, err := w.Write(b); n != len(b) || err != nil {
		t.Fatalf("Write = %d, %v; want %d", n, err, len(b))
	}
}

func wantRead(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, %v; want %d, equal: %v", n, err, len(want), bytes.Equal(got, want))
	}
}

func wantEOF(t *testing.T, r io.Reader) {
	t.Helper()
	if n, err := r.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Fatalf("Read = %d, %v; want io.EOF", n, err)
	}
}

// wantGone checks that nothing is left of any stream.
func wantGone(t *testing.T, sessions ...*Session) {
	t.Helper()
	simtest.Wait()
	for _, s := range sessions {
		s.frames.mu.Lock()
		states := len(s.frames.streams)
		s.frames.mu.Unlock()
		if n := s.inner.NumStreams(); n != 0 || s.open.Load() != 0 || states != 0 || len(s.slots) > 1 || len(s.frames.unanswered) != 0 {
			t.Errorf("left are %d streams of yamux, %d open, %d states, %d slots, %d unanswered", n, s.open.Load(), states, len(s.slots), len(s.frames.unanswered))
		}
	}
}

type closeWriter interface{ CloseWrite() error }

func closeWrite(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.(closeWriter).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}
