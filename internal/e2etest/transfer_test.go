package e2etest

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
)

// A transfer carries bytes over a Conn in the background.
type transfer struct {
	size       int64
	sent       chan error // from the sender, once
	result     chan error // from the receiver, once
	hash       [sha256.Size]byte
	mu         sync.Mutex
	progressed sync.Cond // received or ended
	received   int64
	ended      bool
}

// content returns size bytes that look random and are always the same.
func content(size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{}), size)
}

func hashOf(r io.Reader) (sum [sha256.Size]byte, err error) {
	hash := sha256.New()
	_, err = io.Copy(hash, r)
	hash.Sum(sum[:0])
	return sum, err
}

// startTransfer writes size bytes to one Conn, ends the stream, and reads the
// other one to its end.
func startTransfer(from, to *mqtte2e.Conn, size int64) *transfer {
	t := &transfer{size: size, sent: make(chan error, 1), result: make(chan error, 1)}
	t.progressed.L = &t.mu
	go func() {
		// The wrapper keeps io.Copy from giving all to one Write.
		_, err := io.Copy(struct{ io.Writer }{from}, content(size))
		if err == nil {
			err = from.CloseWrite()
		}
		t.sent <- err
	}()
	go func() {
		var err error
		t.hash, err = hashOf(io.TeeReader(to, t))
		t.mu.Lock()
		defer t.mu.Unlock()
		t.ended = true
		t.progressed.Broadcast()
		t.result <- err
	}()
	return t
}

// Write counts what the receiver got.
func (t *transfer) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.received += int64(len(b))
	t.progressed.Broadcast()
	return len(b), nil
}

// waitFor waits until the receiver has more than n bytes and returns how many
// it has; less than that if it ended before.
func (t *transfer) waitFor(n int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.received <= n && !t.ended {
		t.progressed.Wait()
	}
	return t.received
}

// check waits for the end and fails the test unless everything arrived.
func (t *transfer) check(tb testing.TB) {
	tb.Helper()
	if err := <-t.sent; err != nil {
		tb.Errorf("sending: %v", err)
	}
	if err := <-t.result; err != nil {
		tb.Errorf("receiving: %v", err)
	}
	want, err := hashOf(content(t.size))
	if err != nil {
		tb.Fatal(err)
	}
	if t.received != t.size || t.hash != want {
		tb.Errorf("%d of %d bytes arrived, with the right hash: %t", t.received, t.size, t.hash == want)
	}
}
