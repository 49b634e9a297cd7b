// The example ssh shows ssh over MQTT in one process: an embedded broker, an
// ssh server (server.go) and an ssh client, both of golang.org/x/crypto/ssh.
// README.md shows the same with OpenSSH.
//
//	go run ./examples/ssh
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"

	"github.com/mqtt-e2e/mqtte2e"
	"github.com/mqtt-e2e/mqtte2e/mqtttest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ssh:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	address, stop, err := mqtttest.Start(nil)
	if err != nil {
		return err
	}
	defer stop()
	config := &mqtte2e.Config{Key: mqtte2e.NewKey()}
	host, user, err := newKeys()
	if err != nil {
		return err
	}
	listener, err := mqtte2e.Listen(ctx, address+"#box", config)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- serve(listener, host, user.PublicKey()) }()
	conn, err := mqtte2e.Dial(ctx, address+"#box", config)
	if err != nil {
		return err
	}
	err = client(conn, host.PublicKey(), user, out)
	listener.Close()
	if ended := <-served; err == nil && !errors.Is(ended, net.ErrClosed) {
		err = ended
	}
	return err
}

// client runs one command on the other side.
func client(conn net.Conn, host ssh.PublicKey, user ssh.Signer, out io.Writer) error {
	c, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), &ssh.ClientConfig{
		User:            "gopher",
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(user)},
		HostKeyCallback: ssh.FixedHostKey(host),
	})
	if err != nil {
		return err
	}
	client := ssh.NewClient(c, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	answer, err := session.Output("who is there?")
	fmt.Fprintf(out, "%s says: %s", conn.RemoteAddr(), answer)
	return err
}

// newKeys makes the keys of ssh itself: of the host and of the user. They say
// who is who; the key of mqtte2e only says who may talk at all.
func newKeys() (host, user ssh.Signer, err error) {
	signers := make([]ssh.Signer, 2)
	for i := range signers {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		if signers[i], err = ssh.NewSignerFromKey(private); err != nil {
			return nil, nil, err
		}
	}
	return signers[0], signers[1], nil
}
