package e2etest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/internal/simtest"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

// pair returns both ends of a Conn over the embedded broker.
func pair(t *testing.T) (dialed, accepted *mqtte2e.Conn) {
	t.Helper()
	dialed, accepted, err := connect(endpoints(t, mqtttest.Broker(t), newConfig()))
	if err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

// TestHalfClose ends one direction after the other.
func TestHalfClose(t *testing.T) {
	dialed, accepted := pair(t)
	for _, ends := range [][2]*mqtte2e.Conn{{dialed, accepted}, {accepted, dialed}} {
		if _, err := ends[0].Write([]byte("the last words")); err != nil {
			t.Fatal(err)
		}
		if err := ends[0].CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := ends[0].Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after CloseWrite: %v", err)
		}
		if got, err := io.ReadAll(ends[1]); string(got) != "the last words" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
	for _, c := range []*mqtte2e.Conn{dialed, accepted} {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// TestShutdown checks what it says after the peer has closed: nothing if the
// peer had everything by then.
func TestShutdown(t *testing.T) {
	dialer, listener := endpoints(t, mqtttest.Broker(t), newConfig())
	for _, test := range []struct {
		size int // less than the credit that the peer gives, or more
		want error
	}{{5, nil}, {1e6, syscall.EPIPE}} {
		dialed, accepted, err := connect(dialer, listener)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			io.CopyN(accepted, accepted, 5)
			accepted.Close()
		}()
		if _, err := dialed.Write(make([]byte, test.size)); !errors.Is(err, test.want) {
			t.Errorf("Write: %v", err)
		}
		if got, err := io.ReadAll(dialed); len(got) != 5 || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if err := dialed.Shutdown(t.Context()); !errors.Is(err, test.want) {
			t.Errorf("Shutdown after %d bytes: %v, want %v", test.size, err, test.want)
		}
	}
}

// TestTLS checks that the end of a TLS session, which package tls writes just
// before Close and with a deadline that it then sets to now, is not lost.
func TestTLS(t *testing.T) {
	certificate, roots := simtest.Certificate()
	broker, config := mqtttest.Broker(t), newConfig()
	dialer, listener := endpoints(t, broker, config)
	for range 20 {
		dialed, accepted, err := connect(dialer, listener)
		if err != nil {
			t.Fatal(err)
		}
		server := tls.Server(accepted, &tls.Config{Certificates: []tls.Certificate{certificate}})
		client := tls.Client(dialed, &tls.Config{RootCAs: roots, ServerName: "example.com"})
		sent := bytes.Repeat([]byte("0123456789abcdef"), 20000)
		written := make(chan error, 1)
		go func() {
			_, err := server.Write(sent)
			written <- errors.Join(err, server.Close())
		}()
		got, err := io.ReadAll(client)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
		}
		if err := <-written; err != nil {
			t.Errorf("writing: %v", err)
		}
		client.Close()
	}
}

// TestSSH runs a command over SSH and checks the host key by the address of
// the Conn.
func TestSSH(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	hostKey, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	dialed, accepted := pair(t)
	served := make(chan error, 1)
	go func() { served <- serveSSH(accepted, signer) }()

	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte(knownhosts.Line([]string{dialed.RemoteAddr().String()}, hostKey)), 0o600); err != nil {
		t.Fatal(err)
	}
	check, err := knownhosts.New(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, channels, requests, err := ssh.NewClientConn(dialed, dialed.RemoteAddr().String(), &ssh.ClientConfig{
		User: "gopher", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: check,
	})
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(conn, channels, requests)
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	session.Stdin = content(1e6)
	got, err := session.Output("cat")
	want, _ := io.ReadAll(content(1e6))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
	}
	client.Close()
	if err := <-served; err != nil {
		t.Errorf("the server: %v", err)
	}
}

// serveSSH serves one connection, all of whose commands are cat.
func serveSSH(c net.Conn, signer ssh.Signer) error {
	config := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(signer)
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return err
	}
	go ssh.DiscardRequests(requests)
	for offer := range channels {
		channel, requests, err := offer.Accept()
		if err != nil {
			return err
		}
		for r := range requests {
			r.Reply(true, nil)
			if r.Type == "exec" {
				go func() {
					io.Copy(channel, channel)
					channel.SendRequest("exit-status", false, make([]byte, 4))
					channel.Close()
				}()
			}
		}
	}
	if err := conn.Wait(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Arithmetic is an RPC service.
type Arithmetic struct{}

func (Arithmetic) Double(n int, reply *int) error {
	*reply = 2 * n
	return nil
}

func TestRPC(t *testing.T) {
	dialer, listener := endpoints(t, mqtttest.Broker(t), newConfig())
	server := rpc.NewServer()
	if err := server.Register(Arithmetic{}); err != nil {
		t.Fatal(err)
	}
	go func() {
		if conn, err := listener.Accept(); err == nil {
			server.ServeConn(conn)
		}
	}()
	conn, err := dialer.DialContext(t.Context(), "tcp", "test:4040")
	if err != nil {
		t.Fatal(err)
	}
	client := rpc.NewClient(conn)
	defer client.Close()
	calls := make([]*rpc.Call, 1000)
	for i := range calls {
		calls[i] = client.Go("Arithmetic.Double", i, new(int), nil)
	}
	for i, call := range calls {
		<-call.Done
		if got := *call.Reply.(*int); got != 2*i || call.Error != nil {
			t.Fatalf("twice %d is %d, %v", i, got, call.Error)
		}
	}
}
