package simtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// TestPipeIsAConn runs the conformance test of net.Conn.
func TestPipeIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		c1, c2 = Pipe()
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

func TestPipeDeliversWhatWasWrittenBeforeClose(t *testing.T) {
	ours, theirs := Pipe()
	ours.Write([]byte("last words"))
	ours.Close()
	got, err := io.ReadAll(theirs)
	if err != nil || string(got) != "last words" {
		t.Fatalf("read %q, %v", got, err)
	}
}

// TestPipeDeadlineInVirtualTime also shows that Run's time stands still while goroutines run: no tolerance is needed.
func TestPipeDeadlineInVirtualTime(t *testing.T) {
	Run(t, func(t *testing.T) {
		ours, theirs := Pipe()
		defer theirs.Close()
		start := time.Now()
		ours.SetWriteDeadline(start.Add(time.Minute))
		n, err := ours.Write(make([]byte, 2*pipeBuffer))
		var timeout net.Error
		if n != pipeBuffer || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("Write returned %d, %v; want a full buffer and a timeout", n, err)
		}
		if waited := time.Since(start); waited != time.Minute {
			t.Fatalf("waited %v", waited)
		}
	})
}

func TestBrokerStopRefusesAndStartServesAgain(t *testing.T) {
	Run(t, func(t *testing.T) {
		broker := Broker(t)
		conn, err := broker.DialContext(context.Background(), "tcp", "any:1883")
		if err != nil {
			t.Fatal(err)
		}
		broker.Stop()
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("reading from a stopped broker: %v", err)
		}
		if _, err := broker.DialContext(context.Background(), "tcp", "any:1883"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("dialing a stopped broker: %v", err)
		}
		broker.Start()
		checkAnswersPing(t, broker)
	})
}

// checkAnswersPing speaks just enough MQTT to see that the broker is there.
func checkAnswersPing(t *testing.T, broker *EmbeddedBroker) {
	t.Helper()
	conn, err := broker.DialContext(context.Background(), "tcp", "any:1883")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	connect := []byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 30, 0, 1, 'c'}
	conn.Write(append(connect, 0xC0, 0))
	answer := make([]byte, 6)
	if _, err := io.ReadFull(conn, answer); err != nil || !bytes.Equal(answer, []byte{0x20, 2, 0, 0, 0xD0, 0}) {
		t.Fatalf("the broker answered % x, %v", answer, err)
	}
}

func TestMosquittoRestartsOnTheSamePort(t *testing.T) {
	broker := Mosquitto(t)
	address := broker.Address[len("mqtt://"):]
	dial := func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := dial(); err != nil {
		t.Fatal(err)
	}
	broker.Kill()
	if err := dial(); err == nil {
		t.Fatal("a killed broker still accepts connections")
	}
	broker.Restart()
	if err := dial(); err != nil {
		t.Fatal(err)
	}
}
