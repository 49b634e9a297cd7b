package e2etest

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

func TestResetIsNoEnd(t *testing.T) {
	c1, c2, stop, err := pipes(t, mqtttest.Broker(t), newConfig())()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := c1.Write([]byte("half of")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c2, make([]byte, 7)); err != nil {
		t.Fatal(err)
	}
	if err := c1.(*mqtte2e.Conn).Reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := c2.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read after the peer's Reset: %v, want ECONNRESET", err)
	}
	if _, err := c2.Write([]byte("more")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write after the peer's Reset: %v, want ECONNRESET", err)
	}
}
