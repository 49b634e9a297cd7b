package server

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

var twoPorts = target.Policy{Remote: []target.Port{{Host: "127.0.0.1", Number: 9000}, {Host: "127.0.0.1", Number: 9001}}}

// session returns a session with "box" of a program that leaves it to the test
// what is done with the streams of the listener.
func (p *process) session(t *testing.T) *mux.Session {
	t.Helper()
	conn, err := p.endpoint.Dial(t.Context(), "box", tunnel.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	session, err := mux.Client(conn)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// TestSlowAnswererDelaysNobody has a peer with a port that never answers what it
// is asked, though its machine lives, and others who want that port.
func TestSlowAnswererDelaysNobody(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(twoPorts)
		if _, err := tunnel.OpenStream(t.Context(), w.process().session(t), tunnel.Request{Kind: tunnel.Open, Text: "9000"}); err != nil {
			t.Fatal(err)
		}
		rivals := w.process().session(t)
		for range 20 {
			go tunnel.OpenStream(t.Context(), rivals, tunnel.Request{Kind: tunnel.Open, Text: "9000"})
		}
		honest := w.process().session(t)
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		if _, err := tunnel.OpenStream(t.Context(), honest, tunnel.Request{Kind: tunnel.Open, Text: "9001"}); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("a request for another port takes %v", took)
		}
	})
}

// TestOnlyThePortIsTaken has two machines that want one port. The one that has it
// loses its network for so long that the other gets it.
func TestOnlyThePortIsTaken(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(twoPorts)
		first := w.process()
		session := first.session(t)
		port, err := tunnel.OpenStream(t.Context(), session, tunnel.Request{Kind: tunnel.Open, Text: "9000"})
		if err != nil {
			t.Fatal(err)
		}
		upload, err := tunnel.OpenStream(t.Context(), session, tunnel.Request{Kind: tunnel.Upload})
		if err != nil {
			t.Fatal(err)
		}
		first.lines.SwallowOut()
		upload.Write(make([]byte, 1000))

		second := w.process().session(t)
		start := time.Now()
		for err := errors.New("not asked yet"); err != nil; time.Sleep(time.Second) {
			if _, err = tunnel.OpenStream(t.Context(), second, tunnel.Request{Kind: tunnel.Open, Text: "9000"}); time.Since(start) > time.Minute {
				t.Fatalf("the second does not get the port: %v", err)
			}
		}
		first.lines.Cut()
		time.Sleep(10 * time.Second)
		if _, err := io.ReadAll(port); err != nil {
			t.Errorf("of its port the first hears %v, want the end", err)
		}
		tunnel.CloseWrite(upload)
		if got, err := io.ReadAll(upload); err != nil || !bytes.Equal(got, []byte{0, 0, 0, 0, 0, 0, 3, 232}) {
			t.Errorf("the first's other stream ends with %x, %v", got, err)
		}
	})
}

// TestPortIsKeptFromOtherKeys has a silent peer, and another one with a key of its
// own that wants its port.
func TestPortIsKeptFromOtherKeys(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		other := mqtte2e.NewKey()
		w.listen(twoPorts, w.key, other)
		first := w.process()
		if _, err := tunnel.OpenStream(t.Context(), first.session(t), tunnel.Request{Kind: tunnel.Open, Text: "9000"}); err != nil {
			t.Fatal(err)
		}
		first.crash()
		w.key = other
		second := w.process().session(t)
		for range 10 {
			time.Sleep(10 * time.Second)
			_, err := tunnel.OpenStream(t.Context(), second, tunnel.Request{Kind: tunnel.Open, Text: "9000"})
			var refused *tunnel.Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "is in use by") {
				t.Fatalf("the port of another key: %v", err)
			}
		}
	})
}
