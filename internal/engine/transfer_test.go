package engine

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"testing"
)

// sendAndCompare sends random bytes through a Conn and compares their hashes.
func sendAndCompare(t *testing.T, from, to *Conn, size int64) {
	t.Helper()
	want := make(chan [32]byte, 1)
	go func() {
		data := rand.NewChaCha8([32]byte{byte(size)})
		hash := sha256.New()
		if _, err := io.CopyN(io.MultiWriter(hash, writerOf{from}), data, size); err != nil {
			t.Errorf("writing: %v", err)
		}
		want <- [32]byte(hash.Sum(nil))
	}()
	hash := sha256.New()
	if n, err := io.CopyN(hash, readerOf{to}, size); err != nil {
		t.Errorf("reading: %v after %d bytes", err, n)
	}
	if [32]byte(hash.Sum(nil)) != <-want {
		t.Error("what arrived is not what was sent")
	}
}

type readerOf struct{ c *Conn }

func (r readerOf) Read(p []byte) (int, error) { return r.c.Read(p) }

type writerOf struct{ c *Conn }

func (w writerOf) Write(p []byte) (int, error) { return w.c.Write(p) }
