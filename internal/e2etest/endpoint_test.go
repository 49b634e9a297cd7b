package e2etest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// checkEcho sends something there and back.
func checkEcho(conn net.Conn) error {
	if _, err := io.WriteString(conn, "hello"); err != nil {
		return err
	}
	got, err := io.ReadAll(io.LimitReader(conn, 5))
	if err == nil && string(got) != "hello" {
		err = fmt.Errorf("hello comes back as %q", got)
	}
	return err
}

// TestManyNames has one Endpoint listen under many names and dial them all, its
// own ones too, over one connection to the broker.
func TestManyNames(t *testing.T) {
	const names = 20
	lines := new(simtest.Lines)
	config := newConfig()
	config.DialContext = lines.DialContext
	e := endpoint(t, mqtttest.Broker(t), config)
	for i := range names {
		listener, err := e.Listen(t.Context(), fmt.Sprint("name-", i))
		if err != nil {
			t.Fatal(err)
		}
		go simtest.Echo(listener)
	}
	for i := range names {
		name := fmt.Sprint("Name-", i) // upper case counts as lower case
		conn, err := e.DialContext(t.Context(), "tcp", name+":80")
		if err != nil {
			t.Fatal(err)
		}
		if err := checkEcho(conn); err != nil {
			t.Error(err)
		}
		if got, want := conn.RemoteAddr().String(), fmt.Sprintf("name-%d:0", i); got != want {
			t.Errorf("the address is %q, want %q", got, want)
		}
		if rtt, err := e.Ping(t.Context(), name); err != nil || rtt <= 0 {
			t.Errorf("Ping: %v, %v", rtt, err)
		}
	}
	if lines.Open() != 1 {
		t.Errorf("%d connections to the broker, want 1", lines.Open())
	}
	if _, err := e.Listen(t.Context(), "name-0"); err == nil {
		t.Error("one Endpoint listens twice under a name")
	}
}

// accept returns the next Conn of a Listener.
func accept(t *testing.T, listener *mqtte2e.Listener) net.Conn {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func dial(t *testing.T, e *mqtte2e.Endpoint, name string) *mqtte2e.Conn {
	t.Helper()
	conn, err := e.Dial(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestListenerClose checks that accepted Conns outlive their Listener, that
// others do not, and that the name is free again.
func TestConnected(t *testing.T) {
	e := endpoint(t, mqtttest.Broker(t), newConfig())
	if e.Connected() {
		t.Error("connected before its first use")
	}
	if _, err := e.Listen(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if !e.Connected() {
		t.Error("not connected though it listens")
	}
	if e.Close(); e.Connected() {
		t.Error("connected after Close")
	}
}

func TestListenerClose(t *testing.T) {
	broker, config := mqtttest.Broker(t), newConfig()
	server, dialer := endpoint(t, broker, config), endpoint(t, broker, config)
	listener, err := server.Listen(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	dialed := dial(t, dialer, "test")
	accepted := accept(t, listener)
	late := dial(t, dialer, "test")
	for range 2 {
		if err := listener.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, mqtte2e.ErrNoAnswer) {
		t.Errorf("a Conn that was not accepted: %v", err)
	}
	for _, ends := range [][2]net.Conn{{dialed, accepted}, {accepted, dialed}} {
		go io.CopyN(ends[1], ends[1], 5)
		if err := checkEcho(ends[0]); err != nil {
			t.Errorf("a Conn that was accepted: %v", err)
		}
	}
	listener, err = server.Listen(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	go simtest.Echo(listener)
	if err := checkEcho(dial(t, dialer, "test")); err != nil {
		t.Errorf("a Conn to the next Listener: %v", err)
	}
}

// TestEndpointClose checks that nothing of an Endpoint works any more, and
// that the peers get what was written and a proper end.
func TestEndpointClose(t *testing.T) {
	dialer, listener := endpoints(t, mqtttest.Broker(t), newConfig())
	var ours, theirs [10]net.Conn
	for i := range ours {
		ours[i] = dial(t, dialer, "test")
		theirs[i] = accept(t, listener)
		if _, err := ours[i].Write(make([]byte, 50000)); err != nil {
			t.Fatal(err)
		}
	}
	own, err := dialer.Listen(t.Context(), "own")
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 3)
	go func() { _, err := own.Accept(); waiting <- err }()
	go func() { _, err := ours[0].Read(make([]byte, 1)); waiting <- err }()
	go func() { _, err := dialer.Dial(context.Background(), "nobody"); waiting <- err }()
	var read sync.WaitGroup
	for _, conn := range theirs {
		read.Go(func() {
			if n, err := io.Copy(io.Discard, conn); n != 50000 || err != nil {
				t.Errorf("a peer read %d bytes, %v", n, err)
			}
		})
	}
	for range 2 {
		if err := dialer.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	read.Wait()
	for range cap(waiting) {
		if err := <-waiting; !errors.Is(err, net.ErrClosed) {
			t.Errorf("what waited during Close: %v", err)
		}
	}
	for name, call := range map[string]func() error{
		"Read":   func() error { _, err := ours[0].Read(make([]byte, 1)); return err },
		"Write":  func() error { _, err := ours[0].Write(make([]byte, 1)); return err },
		"Accept": func() error { _, err := own.Accept(); return err },
		"Dial":   func() error { _, err := dialer.Dial(t.Context(), "test"); return err },
		"Listen": func() error { _, err := dialer.Listen(t.Context(), "other"); return err },
		"Ping":   func() error { _, err := dialer.Ping(t.Context(), "test"); return err },
	} {
		if err := call(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// TestOwnEndpoints checks that what Dial and Listen make ends with the last
// Conn: virtual time also sees to it that no goroutine is left.
func TestOwnEndpoints(t *testing.T) {
	for name, end := range map[string]func(listener io.Closer, dialed, accepted *mqtte2e.Conn){
		"listener first":   func(l io.Closer, d, a *mqtte2e.Conn) { l.Close(); d.Close(); a.Close() },
		"dialer first":     func(l io.Closer, d, a *mqtte2e.Conn) { d.Close(); a.Close(); l.Close() },
		"accepted first":   func(l io.Closer, d, a *mqtte2e.Conn) { a.Close(); l.Close(); d.Close() },
		"CloseWrite first": func(l io.Closer, d, a *mqtte2e.Conn) { d.CloseWrite(); a.CloseWrite(); l.Close(); d.Close(); a.Close() },
		"peer never closes": func(l io.Closer, d, a *mqtte2e.Conn) {
			d.Close()
			l.Close()
			go func() { time.Sleep(time.Hour); a.Close() }()
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines := new(simtest.Lines)
			simtest.Run(t, func(t *testing.T) {
				lines.Dial = simtest.Broker(t).DialContext
				config := newConfig()
				config.DialContext = lines.DialContext
				listener, err := mqtte2e.Listen(t.Context(), simtest.Address+"#test", config)
				if err != nil {
					t.Fatal(err)
				}
				dialed, err := mqtte2e.Dial(t.Context(), simtest.Address+"#test", config)
				if err != nil {
					t.Fatal(err)
				}
				accepted := accept(t, listener).(*mqtte2e.Conn)
				go io.CopyN(accepted, accepted, 5)
				if err := checkEcho(dialed); err != nil {
					t.Error(err)
				}
				end(listener, dialed, accepted)
				time.Sleep(2 * time.Hour) // virtual
				if lines.Open() != 0 {
					t.Errorf("%d connections to the broker are left", lines.Open())
				}
			})
		})
	}
}

// TestListenCloseDuringAccept checks that a Listener on an Endpoint of its own
// does not take along what Accept is just returning.
func TestListenCloseDuringAccept(t *testing.T) {
	address, config := mqtttest.Broker(t)+"#test", newConfig()
	for range 100 {
		listener, err := mqtte2e.Listen(t.Context(), address, config)
		if err != nil {
			t.Fatal(err)
		}
		dialed, err := mqtte2e.Dial(t.Context(), address, config)
		if err != nil {
			t.Fatal(err)
		}
		go listener.Close()
		if accepted, err := listener.Accept(); err == nil {
			go io.CopyN(accepted, accepted, 5)
			if err := checkEcho(dialed); err != nil {
				t.Fatalf("a Conn that was accepted: %v", err)
			}
			accepted.Close()
		}
		dialed.Close()
	}
}
