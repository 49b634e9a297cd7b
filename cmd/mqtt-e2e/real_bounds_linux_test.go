package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/cmd/mqtt-e2e/internal/tunnel"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// greedy takes what a holder of a key can get: sessions of 256 streams each to a
// target that is not there yet, and in each as much memory as the listener lets be
// waiting. It returns how many streams were not refused.
func greedy(t *testing.T, endpoint *mqtte2e.Endpoint, target string, sessions int) int {
	t.Helper()
	var opened atomic.Int32
	var running sync.WaitGroup
	zeros := make([]byte, 1<<20)
	for range sessions {
		session := dialSession(t, endpoint)
		if session == nil {
			continue
		}
		for range 256 {
			running.Go(func() {
				stream, err := session.Open(t.Context())
				if err != nil {
					return
				}
				// Longer than the listener needs to take what it takes.
				stream.SetDeadline(time.Now().Add(5 * time.Second))
				tunnel.Request{Kind: tunnel.Target, Text: target}.Write(stream)
				if _, err := stream.Write(zeros); errors.Is(err, os.ErrDeadlineExceeded) {
					opened.Add(1)
				}
			})
		}
	}
	running.Wait()
	return int(opened.Load())
}

// slowTarget returns the address of a TCP server to which connections hang.
func slowTarget(t *testing.T) string {
	t.Helper()
	descriptor, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(descriptor) })
	if err := errors.Join(syscall.Bind(descriptor, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(descriptor, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(descriptor)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
	conn, err := net.Dial("tcp", address) // the only one for which there is room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return address
}

// dialSession returns a session with the listener that ends with the test, nil if
// the listener cannot be reached.
func dialSession(t *testing.T, endpoint *mqtte2e.Endpoint) *mux.Session {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := endpoint.Dial(ctx, "box", tunnel.Protocol)
	if err != nil {
		t.Logf("no session: %v", err)
		return nil
	}
	session, _ := mux.Client(conn)
	t.Cleanup(func() { session.Close() })
	return session
}

// request asks for a target.
func request(stream net.Conn, request tunnel.Request) error {
	if err := request.Write(stream); err != nil {
		return err
	}
	reply, err := tunnel.ReadReply(stream)
	if err != nil {
		return err
	}
	return reply.Err()
}

// honest sends a word through an echo target and wants it back.
func honest(t *testing.T, endpoint *mqtte2e.Endpoint, target string) error {
	start := time.Now()
	session := dialSession(t, endpoint)
	if session == nil {
		return fmt.Errorf("no session")
	}
	stream, err := session.Open(t.Context())
	if err != nil {
		return err
	}
	defer stream.Close()
	stream.SetDeadline(time.Now().Add(patience))
	if err := request(stream, tunnel.Request{Kind: tunnel.Target, Text: target}); err != nil {
		return err
	}
	word := make([]byte, 5)
	if _, err := stream.Write([]byte("hello")); err != nil {
		return err
	}
	if _, err := stream.Read(word); err != nil || string(word) != "hello" {
		return fmt.Errorf("read %q, %v", word, err)
	}
	t.Logf("an honest client needed %v", time.Since(start).Round(time.Millisecond))
	return nil
}

// usage returns how much memory a process has had at most, MiB, and how many
// descriptors it has open.
func usageOf(t *testing.T, pid int) (memory, descriptors int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Sscan(peak, &memory)
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return memory >> 10, len(open)
}

// TestHoldersOfAKeyAreBounded has one holder take all that it can get, with many
// descriptors and with few. The memory is twice what streams hold, since garbage is
// collected no sooner.
func TestHoldersOfAKeyAreBounded(t *testing.T) {
	for _, test := range []struct {
		limit           string // of descriptors
		streams, memory int    // at most; MiB
	}{
		{"4096", 512, 480},
		{"600", 134, 240},
	} {
		t.Run(test.limit, func(t *testing.T) {
			r := newRig(t)
			stuck := slowTarget(t)
			echo := serveTCP(t, targets["echo"])
			other := &mqtte2e.Endpoint{Broker: r.broker.Address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
			defer other.Close()
			otherFile := filepath.Join(r.dir, "other")
			if err := os.WriteFile(otherFile, []byte(other.Config.Key.Hex()), 0o600); err != nil {
				t.Fatal(err)
			}
			p := launchCommand(t, exec.Command("sh", "-c", `ulimit -n $0; exec "$@"`, test.limit, r.program, "listen", r.address(), "--key-file", r.keyFile, "--key-file", otherFile, "--allow", stuck, "--allow", echo))
			p.waitFor("listening")
			memory, descriptors := usageOf(t, p.Process.Pid)
			t.Logf("before: %d MiB, %d descriptors", memory, descriptors)

			holder := &mqtte2e.Endpoint{Broker: r.broker.Address, Config: r.config()}
			defer holder.Close()
			opened := greedy(t, holder, stuck, 8)
			memory, descriptors = usageOf(t, p.Process.Pid)
			t.Logf("with %d streams: %d MiB, %d descriptors", opened, memory, descriptors)
			if opened > test.streams || descriptors > test.streams+30 || memory > test.memory {
				t.Errorf("want at most %d streams, %d descriptors and %d MiB", test.streams, test.streams+30, test.memory)
			}
			for name, endpoint := range map[string]*mqtte2e.Endpoint{"the same": holder, "another": other} {
				if err := honest(t, endpoint, echo); err != nil {
					t.Errorf("an honest client with %s key: %v", name, err)
				}
			}
		})
	}
}
