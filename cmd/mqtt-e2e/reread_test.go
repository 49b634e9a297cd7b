package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/secrets"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/target"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// directory is one of keys.
type directory struct {
	*testing.T
	name string
}

// write writes a file of a peer.
func (d directory) write(peer string, lines ...string) {
	d.Helper()
	if err := os.WriteFile(d.file(peer), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		d.Fatal(err)
	}
}

func (d directory) remove(peer string) {
	d.Helper()
	if err := os.RemoveAll(d.file(peer)); err != nil {
		d.Fatal(err)
	}
}

func (d directory) file(peer string) string { return filepath.Join(d.name, peer) }

// read reads a roster and wants these peers in it, and so many errors.
func (d directory) read(r *roster, wrong int, peers ...string) {
	d.Helper()
	if errs := r.read(); len(errs) != wrong {
		d.Errorf("%d errors, want %d: %v", len(errs), wrong, errors.Join(errs...))
	}
	var names []string
	for _, m := range r.all() {
		names = append(names, m.Name)
	}
	if !slices.Equal(names, peers) {
		d.Errorf("the peers are %q, want %q", names, peers)
	}
}

// TestRosterKeepsWhatCannotBeRead breaks files, and what they are in.
func TestRosterKeepsWhatCannotBeRead(t *testing.T) {
	d := directory{t, filepath.Join(t.TempDir(), "peers")}
	one, two, three := mqtte2e.NewKey(), mqtte2e.NewKey(), mqtte2e.NewKey()
	if err := secrets.WriteKey(d.file("a"), one); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := secrets.WriteKey(other, three); err != nil {
		t.Fatal(err)
	}
	r := &roster{files: []string{d.name, other}, flags: target.Policy{Remote: []target.Port{{Number: 1}}}}
	d.write("b", two.Hex(), "to 22")
	d.read(r, 0, "a", "b", three.String())
	before := r.peer(two)

	d.write("a", "nonsense")
	d.write("b", two.Hex(), "to 22", "to 23")
	d.write("c", "nonsense")
	d.read(r, 3, "a", "b", three.String())
	if now := r.peer(two); now.Policy.Default != before.Policy.Default {
		t.Errorf("b may reach %v, want %v as before", now.Policy.Default, before.Policy.Default)
	}
	d.remove("c")
	d.write("b", two.Hex(), "to 23")
	d.write("copy", one.Hex())
	d.read(r, 2, "a", "b", three.String())
	if now := r.peer(two); now.Policy.Default.Port != 23 || len(now.Policy.Remote) != 0 {
		t.Errorf("b may reach %+v", now.Policy)
	}
	if now := r.peer(one); now.Policy.Default != nil || len(now.Policy.Remote) != 1 {
		t.Errorf("a may reach %+v", now.Policy)
	}

	d.remove("a") // nobody was served from copy before
	d.read(r, 0, "b", "copy", three.String())
	if err := os.Rename(d.name, d.name+"~"); err != nil {
		t.Fatal(err)
	}
	d.read(r, 1, "b", "copy", three.String())
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	d.read(r, 2, "b", "copy", three.String())
	if nobody := r.peer(mqtte2e.NewKey()); nobody.Policy.Default != nil || nobody.Policy.Remote != nil {
		t.Errorf("who is not served may reach %+v", nobody.Policy)
	}
	if err := os.Mkdir(d.name, 0o700); err != nil {
		t.Fatal(err)
	}
	d.read(r, 1, three.String())
}

// TestShutOutWithoutABroker takes a key away, and brings another one, while the
// broker is down.
func TestShutOutWithoutABroker(t *testing.T) {
	d := directory{t, t.TempDir()}
	kept, gone, late := mqtte2e.NewKey(), mqtte2e.NewKey(), mqtte2e.NewKey()
	d.write("gone", gone.Hex())
	d.write("kept", kept.Hex())
	simtest.Run(t, func(t *testing.T) {
		broker := simtest.Broker(t)
		endpoint := func(key mqtte2e.Key) *mqtte2e.Endpoint {
			e := &mqtte2e.Endpoint{Broker: simtest.Address, Config: &mqtte2e.Config{Key: key, DialContext: broker.DialContext}}
			t.Cleanup(func() { e.Close() })
			return e
		}
		r := &roster{files: []string{d.name}}
		d.read(r, 0, "gone", "kept")
		l := &listening{app: &app{logger: slog.New(slog.DiscardHandler)}, roster: r, place: place{name: "box"}, endpoint: endpoint(r.all()[0].key)}
		listener, err := l.listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dial := func(key mqtte2e.Key) (dialled, accepted *mqtte2e.Conn) {
			t.Helper()
			dialled, err := endpoint(key).Dial(t.Context(), "box", "mqtt-e2e/1")
			if err != nil {
				t.Fatal(err)
			}
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			conn.Write([]byte("x")) // confirms to the dialer that it was accepted
			if _, err := io.ReadFull(dialled, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			return dialled, conn.(*mqtte2e.Conn)
		}
		_, toGone := dial(gone)
		fromKept, toKept := dial(kept)

		broker.Stop()
		d.remove("gone")
		d.write("late", late.Hex())
		l.reread()
		if err := l.setKeys(listener); err == nil {
			t.Error("a key is served without a broker")
		}
		if n, err := toGone.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "not served here any more") {
			t.Errorf("who is gone: read %d, %v", n, err)
		}
		broker.Start()
		if err := l.setKeys(listener); err != nil {
			t.Error(err)
		}
		dial(late)
		go fromKept.Write([]byte("x"))
		if _, err := io.ReadFull(toKept, make([]byte, 1)); err != nil {
			t.Errorf("who is kept: %v", err)
		}
	})
}
