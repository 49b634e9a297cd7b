package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mux"
)

// peerSession is a session under a key of its own, and a stream of it.
type peerSession struct {
	name   string
	key    mqtte2e.Key
	stream net.Conn
}

func (r *rig) peerSession(directory, name string) *peerSession {
	r.t.Helper()
	p := &peerSession{name: name, key: mqtte2e.NewKey()}
	if err := os.WriteFile(filepath.Join(directory, name), []byte(p.key.Hex()+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// dial opens the stream.
func (p *peerSession) dial(r *rig) {
	r.t.Helper()
	dialer := &mux.Dialer{Endpoint: &mqtte2e.Endpoint{Broker: r.broker.Address, Config: &mqtte2e.Config{Key: p.key}}}
	r.t.Cleanup(func() {
		dialer.Close()
		dialer.Endpoint.Close()
	})
	var err error
	if p.stream, err = dialer.DialContext(r.t.Context(), "tcp", "box:0"); err != nil {
		r.t.Fatalf("%s: %v", p.name, err)
	}
}

// transfer sends random bytes, half of them before and half after the middle, and
// checks what an echo returns.
func (p *peerSession) transfer(half int64, seed byte, before *sync.WaitGroup, middle <-chan struct{}) error {
	sent := sha256.New()
	random := io.TeeReader(rand.NewChaCha8([32]byte{seed}), sent)
	written := make(chan error, 1)
	go func() {
		_, err := io.CopyN(p.stream, random, half)
		before.Done()
		<-middle
		if err == nil {
			_, err = io.CopyN(p.stream, random, half)
		}
		if err == nil {
			err = p.stream.(interface{ CloseWrite() error }).CloseWrite()
		}
		written <- err
	}()
	received := sha256.New()
	n, err := io.Copy(received, p.stream)
	if err == nil {
		err = <-written
	}
	switch {
	case err != nil:
		return err
	case n != 2*half || string(received.Sum(nil)) != string(sent.Sum(nil)):
		return fmt.Errorf("%d bytes came back, not those that were sent", n)
	}
	return nil
}

// flood sends until that fails, and returns why reading fails.
func (p *peerSession) flood(before *sync.WaitGroup) error {
	go func() {
		block := make([]byte, 16<<10)
		_, err := p.stream.Write(block)
		for before.Done(); err == nil; {
			_, err = p.stream.Write(block)
		}
	}()
	_, err := io.Copy(io.Discard, p.stream)
	return err
}

// TestPeersUnderHangup takes half of the keys away while twenty sessions transfer,
// and brings a new one.
func TestPeersUnderHangup(t *testing.T) {
	r := newRig(t)
	const sessions, half = 20, 4 << 20
	directory := filepath.Join(r.dir, "peers")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	var all []*peerSession
	for i := range sessions {
		all = append(all, r.peerSession(directory, fmt.Sprintf("peer%02d", i)))
	}
	listen := r.start("listen", r.address(), "--key-file", directory, "--to", serveTCP(t, targets["echo"]))
	listen.waitFor("listening")
	var before, running sync.WaitGroup
	middle := make(chan struct{})
	before.Add(sessions)
	for i, p := range all {
		p.dial(r)
		running.Go(func() {
			if i%2 == 0 {
				if err := p.transfer(half, byte(i), &before, middle); err != nil {
					t.Errorf("%s, whose key was kept: %v", p.name, err)
				}
				return
			}
			err := p.flood(&before)
			if err == nil || !strings.Contains(err.Error(), "the listener does not serve our key any more") {
				t.Errorf("%s, whose key was taken away: %v", p.name, err)
			}
			select {
			case <-middle:
				t.Logf("%s ended at %v: %v", p.name, time.Now().Format("05.000"), err)
			default:
				t.Errorf("%s ended early", p.name)
			}
		})
	}
	before.Wait()
	for i := 1; i < sessions; i += 2 {
		if err := os.Remove(filepath.Join(directory, all[i].name)); err != nil {
			t.Fatal(err)
		}
	}
	late := r.peerSession(directory, "late")
	t.Logf("the hangup is at %v", time.Now().Format("05.000"))
	close(middle)
	if err := listen.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	listen.waitFor("read the keys again peers=11")
	listen.waitFor("a peer is served from now on peer=late")
	late.dial(r)
	before.Add(1)
	if err := late.transfer(half, 0, &before, middle); err != nil {
		t.Errorf("who came late: %v", err)
	}
	for i, p := range all {
		listen.waitFor("served a stream peer=" + p.name + " ")
		end := "end=complete"
		if i%2 == 1 {
			end = `end="its key is not served any more"`
			listen.waitFor("a peer is shut out peer=" + p.name + " ")
		}
		for line := range strings.Lines(listen.said.String()) {
			if strings.Contains(line, "served a stream peer="+p.name+" ") && !strings.Contains(line, end) {
				t.Errorf("%q, want %s", line, end)
			}
		}
	}
}
