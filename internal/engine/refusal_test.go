package engine

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/handshake"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// wantRefused dials and checks that it is refused, a second after the listener
// said so, with all of the words in the error.
func (w *world) wantRefused(e *Engine, protocols []string, words ...string) {
	w.t.Helper()
	start := time.Now()
	_, err := e.Dial(context.Background(), testName, protocols)
	if passed := time.Since(start); !errors.Is(err, ErrRefused) || passed != refusalWait {
		w.t.Fatalf("after %v: %v", passed, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			w.t.Errorf("the error does not mention %s: %v", word, err)
		}
	}
}

func TestProtocols(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.listen(w.engine(), "mux", "video")
		e := w.engine()
		w.wantRefused(e, []string{"audio", ""}, "no protocol in common", "audio", "mux", "video", testName)
		w.wantRefused(e, nil, "no protocol in common")
		dialed, err := e.Dial(context.Background(), testName, []string{"audio", "video", "mux"})
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if a, b := dialed.Protocol(), accepted.Protocol(); a != "video" || b != "video" {
			t.Errorf("agreed on %q and %q, want the dialer's first choice", a, b)
		}
	})
}

// TestRefusalWaitsForAnotherYes has a second listener, which is slower.
func TestRefusalWaitsForAnotherYes(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(w.engine(), "video")
		slow := func(c *Config) { c.Link.DialContext = delayed(w, refusalWait-time.Millisecond) }
		dialed, accepted := w.connect(w.engine(), w.listen(w.engine(slow)))
		w.exchange(dialed, accepted)
	})
}

func TestFullBacklogRefuses(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		e, server := w.engine(), w.engine()
		l := w.listen(server)
		w.dial(e)
		simtest.Wait()
		l.mu.Lock()
		l.waiting = slices.Repeat(l.waiting, backlog)
		l.mu.Unlock()
		w.wantRefused(e, nil, "backlog full")
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
		w.dial(e)
		simtest.Wait()
		w.wantRefused(e, nil, "backlog full")
		if n := entries(server); n["waiting"] != backlog || n["half-open"] != 0 {
			t.Errorf("the listener has %v", n)
		}
	})
}

// TestOtherVersionIsRefused turns the hello on its way into one of version 2.
func TestOtherVersionIsRefused(t *testing.T) {
	simtest.Run(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(w.engine())
		envelope := w.cipher("hello\x00" + testName)
		w.set(func(m message) ([]byte, bool) {
			if _, ok := w.envelope(m).(handshake.Hello); !ok {
				return m.payload, true
			}
			aead, nonce := envelope(m.payload[:16])
			plain, err := aead.Open(nil, nonce, m.payload[16:], nil)
			if err != nil {
				t.Error(err)
			}
			plain[0] = 2
			return aead.Seal(m.payload[:16:16], nonce, plain, nil), true
		})
		w.wantRefused(w.engine(), nil, "version 2", "version 1")
	})
}

// cipher returns the one-time ciphers of an envelope by their salts, computed
// from SPEC.md, "Envelope", alone.
func (w *world) cipher(info string) func(salt []byte) (cipher.AEAD, []byte) {
	expand := func(secret []byte, info string, size int) []byte {
		out, err := hkdf.Expand(sha256.New, secret, info, size)
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}
	prk, err := hkdf.Extract(sha256.New, w.key[:], []byte("mqtt-e2e/1"))
	if err != nil {
		w.t.Fatal(err)
	}
	key := expand(prk, info, 32)
	return func(salt []byte) (cipher.AEAD, []byte) {
		k := expand(key, "envelope"+string(salt), 28)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			w.t.Fatal(err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			w.t.Fatal(err)
		}
		return aead, k[16:]
	}
}
