package e2etest

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// TestEverythingAtOnce uses two Endpoints from many goroutines while their
// connections to the broker are cut, for the race detector. What fails must
// fail for a reason, and nothing may hang or arrive wrong.
func TestEverythingAtOnce(t *testing.T) {
	config, lines := newConfig(), new(simtest.Lines)
	config.DialContext = lines.DialContext
	broker := mqtttest.Broker(t)
	server, dialer := endpoint(t, broker, config), endpoint(t, broker, config)
	listener, err := server.Listen(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	go simtest.Echo(listener)
	// Only a link that has been up goes on after a failure.
	if err := useAtOnce(dial(t, dialer, "test")); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for i := range 8 {
		working.Go(func() {
			for ctx.Err() == nil {
				conn, err := dialer.Dial(t.Context(), "test")
				if err != nil {
					t.Errorf("dialing: %v", err)
					return
				}
				if err := useAtOnce(conn); err != nil {
					t.Errorf("using: %v", err)
				}
			}
		})
		working.Go(func() {
			for ctx.Err() == nil {
				own, err := server.Listen(t.Context(), fmt.Sprint("own-", i))
				if err != nil {
					t.Errorf("listening: %v", err)
					return
				}
				go own.Accept()
				own.Stats()
				own.Addr()
				own.Close()
				dialer.Ping(ctx, "test") // may get lost
			}
		})
	}
	for range 10 {
		timer := time.NewTimer(100 * time.Millisecond) // the rhythm of the outages
		<-timer.C
		lines.Cut()
	}
	cancel()
	working.Wait()
}

// useAtOnce calls everything that a Conn to an echo server has, and closes it.
func useAtOnce(conn net.Conn) error {
	const size = 200_000
	var using sync.WaitGroup
	for range 3 {
		using.Go(func() {
			conn.LocalAddr()
			conn.RemoteAddr()
			conn.SetDeadline(time.Time{})
			conn.(interface{ Protocol() string }).Protocol()
			conn.SetReadDeadline(time.Time{})
			conn.SetWriteDeadline(time.Time{})
		})
	}
	var writeErr error
	using.Go(func() {
		_, writeErr = io.Copy(struct{ io.Writer }{conn}, content(size))
		if writeErr == nil {
			writeErr = conn.(interface{ CloseWrite() error }).CloseWrite()
		}
	})
	got, err := hashOf(conn)
	using.Wait()
	if err != nil || writeErr != nil {
		return fmt.Errorf("reading: %v; writing: %v", err, writeErr)
	}
	if want, _ := hashOf(content(size)); got != want {
		return fmt.Errorf("the echo differs")
	}
	using.Go(func() { conn.Read(make([]byte, 1)) })
	using.Go(func() { conn.Write(make([]byte, 1)) })
	err = conn.Close()
	using.Wait()
	return err
}
