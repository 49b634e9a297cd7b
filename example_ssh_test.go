package mqtte2e_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log"

	"golang.org/x/crypto/ssh"

	"github.com/mqtt-e2e/mqtte2e"
)

// A Conn carries SSH, and its addresses work with x/crypto/ssh/knownhosts.
func Example_ssh() {
	address, stop := exampleBroker()
	defer stop()
	endpoint := &mqtte2e.Endpoint{Broker: address, Config: &mqtte2e.Config{Key: mqtte2e.NewKey()}}
	defer endpoint.Close()
	ctx := context.Background()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	hostKey, err := ssh.NewSignerFromKey(private)
	if err != nil {
		log.Fatal(err)
	}

	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(hostKey)

	listener, err := endpoint.Listen(ctx, "router")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			// A program would rather copy to and from 127.0.0.1:22.
			go ssh.NewServerConn(conn, config)
		}
	}()

	conn, err := endpoint.Dial(ctx, "router")
	if err != nil {
		log.Fatal(err)
	}
	clientConn, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), &ssh.ClientConfig{
		User:            "admin",
		Auth:            []ssh.AuthMethod{ssh.Password("secret")},
		HostKeyCallback: ssh.FixedHostKey(hostKey.PublicKey()), // or knownhosts.New
	})
	if err != nil {
		log.Fatal(err)
	}
	client := ssh.NewClient(clientConn, channels, requests)
	defer client.Close()
	fmt.Println(client.User(), "at", client.RemoteAddr())
	// Output: admin at router:0
}
