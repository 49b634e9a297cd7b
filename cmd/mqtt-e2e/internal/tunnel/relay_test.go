package tunnel

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
)

// joined returns the outer ends of two connections that Join joins, and where
// its result goes.
func joined(t *testing.T) (a, b *net.TCPConn, result chan error) {
	a, innerA := simtest.TCPPair(t)
	b, innerB := simtest.TCPPair(t)
	result = make(chan error, 1)
	go func() { result <- Join(innerA, innerB) }()
	return a, b, result
}

func TestHalfClose(t *testing.T) {
	a, b, result := joined(t)
	data := bytes.Repeat([]byte("data"), 100_000)
	go func() {
		a.Write(data)
		a.CloseWrite()
	}()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	// The other direction is still open.
	if _, err := b.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if got, err := io.ReadAll(a); err != nil || string(got) != "answer" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}

func TestFailureIsPassedOn(t *testing.T) {
	a, b, result := joined(t)
	// RST needs something to arrive after: let both directions be in use.
	if _, err := a.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	io.ReadFull(b, make([]byte, 1))
	b.SetLinger(0)
	b.Close()
	if _, err := io.ReadAll(a); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the other end reads %v, want a reset", err)
	}
	if err := <-result; err == nil {
		t.Error("Join reports success")
	}
}
